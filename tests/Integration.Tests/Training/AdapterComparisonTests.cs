using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Orchestrator.Integration.Tests.Processes;
using Xunit.Sdk;

namespace Orchestrator.Integration.Tests.Training;

/// <summary>The comparison that golden runs rely on can fail.</summary>
public sealed class AdapterComparisonTests
{
    [Theory]
    [InlineData("a", "2,3", 6, 0f, true)]
    [InlineData("a", "2,3", 6, 0.01f, true)]
    [InlineData("a", "2,3", 6, 0.02f, false)]
    [InlineData("a", "2,3", 6, float.NaN, false)]
    [InlineData("a", "2,2", 4, 0f, false)]
    [InlineData("a", "3,3", 9, 0f, false)]
    [InlineData("a", "3,2", 6, 0f, false)]
    [InlineData("b", "2,3", 6, 0f, false)]
    public void AssertNear_OfAnotherTensor_FailsUnlessItIsNear(string name, string shape, int values, float offset, bool near)
    {
        using var folder = new TemporaryFolder();
        Write(folder["expected"], "a", "2,3", new float[6]);
        float[] actual = new float[values];
        actual[^1] = offset;
        Write(folder["actual"], name, shape, actual);

        var failure = Record.Exception(() => AdapterComparison.AssertNear(folder["expected"], folder["actual"], 0.015));

        Assert.Equal(near, failure is null);
        Assert.True(failure is null or XunitException, failure?.ToString());
    }

    private static void Write(string file, string name, string shape, float[] values)
    {
        byte[] header = Encoding.UTF8.GetBytes($$$"""{"{{{name}}}":{"dtype":"F32","shape":[{{{shape}}}],"data_offsets":[0,{{{4 * values.Length}}}]}}""");
        byte[] length = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        File.WriteAllBytes(file, [.. length, .. header, .. MemoryMarshal.AsBytes(values.AsSpan())]);
    }
}
