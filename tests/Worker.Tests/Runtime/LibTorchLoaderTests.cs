using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Runtime;

public sealed class LibTorchLoaderTests
{
    [Fact]
    public void Load_Twice_ReturnsTheFirstInstallation()
    {
        var first = LibTorchLoader.Load();
        Assert.Same(first, LibTorchLoader.Load("/nowhere"));
        Assert.StartsWith("2.10.", first.Version, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_ThenMultiply_Works()
    {
        using var a = torch.ones(2, 3);
        using var b = torch.ones(3, 2);
        using var product = a.mm(b);
        Assert.Equal(3f, product[0, 0].item<float>());
    }

    [Fact]
    public void FindLibTorch_FolderWithout_SaysWhichAndWhatToDo()
    {
        var error = Assert.Throws<WorkerFaultException>(() => LibTorchLoader.FindLibTorch("/nowhere"));
        Assert.Contains("'/nowhere'", error.Message, StringComparison.Ordinal);
        Assert.Contains("--libtorch", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MarkWeak_TorchSharpsLibrary_MarksOneNeedOnce()
    {
        var image = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "runtimes/linux-x64/native/libLibTorchSharp.so"));
        var before = (byte[])image.Clone();
        Assert.Equal(1, ElfVersionNeeds.MarkWeak(image, "libstdc++.so.6", "GLIBCXX_3.4.32"));
        Assert.Equal(1, image.Zip(before, (a, b) => a != b).Count(changed => changed));
        Assert.Equal(0, ElfVersionNeeds.MarkWeak(image, "libstdc++.so.6", "GLIBCXX_9.9.9"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(63)]
    [InlineData(4096)]
    public void MarkWeak_NoElfFile_IsRefused(int length) =>
        Assert.Throws<InvalidDataException>(() => ElfVersionNeeds.MarkWeak(new byte[length], "a", "b"));

    [Fact]
    public void MarkWeak_CutImage_IsRefused()
    {
        var image = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "runtimes/linux-x64/native/libLibTorchSharp.so"))[..4096];
        Assert.Throws<InvalidDataException>(() => ElfVersionNeeds.MarkWeak(image, "libstdc++.so.6", "GLIBCXX_3.4.32"));
    }
}
