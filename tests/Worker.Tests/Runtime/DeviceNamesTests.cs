using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Tests.Runtime;

/// <summary>Which names a <c>--device</c> may have, whether or not this machine has the device.</summary>
public sealed class DeviceNamesTests
{
    [Theory]
    [InlineData("cpu", 0)]
    [InlineData("cuda", 0)]
    [InlineData("cuda:3", 3)]
    public void Name_OfADevice_IsKnown(string name, int index)
    {
        Assert.Null(DeviceNames.WhyUnknown(name));
        Assert.Equal(index, DeviceNames.IndexOf(name));
    }

    [Theory]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda: 1")]
    [InlineData("CUDA:0")]
    [InlineData("cpu:0")]
    [InlineData("")]
    public void Name_OfNone_IsToldWithWhatWouldDo(string name) => Assert.Equal($"--device '{name}' is unknown: use cpu or cuda:0.", DeviceNames.WhyUnknown(name));
}
