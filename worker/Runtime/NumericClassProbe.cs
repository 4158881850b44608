using Orchestrator.Protos;

namespace Orchestrator.Worker.Runtime;

/// <summary>Says which numeric class this process computes in.</summary>
/// <remarks>Two processes of equal class give equal bits; the coordinator never mixes classes within a job.</remarks>
internal static class NumericClassProbe
{
    /// <summary>Version of our kernels' results: raised whenever a change of ours may change a bit.</summary>
    public const string KernelVersion = "6";

    /// <summary>The class of this process on a device, once libtorch is loaded.</summary>
    /// <param name="device">"cpu" or "cuda:N".</param>
    /// <param name="libtorch">What was loaded.</param>
    public static NumericClass Probe(string device, LibTorchInstallation libtorch)
    {
        var cuda = device.StartsWith("cuda", StringComparison.Ordinal);
        return new NumericClass
        {
            Backend = cuda ? "cuda" : "cpu",
            InstructionPath = cuda ? NvidiaDriver.ModelName(DeviceNames.IndexOf(device)) ?? "cuda" : NumericEnvironment.Path.Name(),
            Libtorch = libtorch.Version,
            Kernels = KernelVersion,
            Threads = (uint)NumericEnvironment.Threads,
        };
    }
}
