using Orchestrator.Protos.Blobs;

namespace Orchestrator.Protos.Tests.Blobs;

/// <summary>A full disk is known by the system's number or words, and nothing else is taken for one.</summary>
public sealed class FullDiskTests
{
    [Theory]
    [InlineData("Out of room : '/data/x'", 28, true)]
    [InlineData("The share is used up : '/data/x'", 122, true)]
    [InlineData("Cannot make folder 'x' durable: No space left on device.", 0, true)]
    [InlineData("Cannot make folder 'x' durable: Disk quota exceeded.", 0, true)]
    [InlineData("Input/output error : '/data/x'", 5, false)]
    [InlineData("Could not find file 'x'.", 2, false)]
    public void Is_AnError_SaysWhetherThereWasNoRoom(string message, int number, bool expected) =>
        Assert.Equal(expected, FullDisk.Is(new IOException(message, number)));

    [Fact]
    public void Is_WhatTheRuntimeThrowsOnAFullDevice_IsOne()
    {
        using var full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        Assert.True(FullDisk.Is(Assert.ThrowsAny<IOException>(() => full.Write([1]))));
    }
}
