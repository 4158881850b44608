using Microsoft.Extensions.Logging;
using Orchestrator.Protos;
using TorchSharp;

namespace Orchestrator.Worker.Runtime;

/// <summary>Libraries loaded and pinned, the device found, the compute thread running: what a worker starts with.</summary>
/// <remarks>One a process. <see cref="Start"/> must come before anything touches <c>torch</c>.</remarks>
internal sealed class WorkerRuntime : IDisposable
{
    private WorkerRuntime(NumericClass numericClass, torch.Device device, LibTorchInstallation libtorch, ComputeThread compute, bool fastBfloat16)
    {
        NumericClass = numericClass;
        Device = device;
        LibTorch = libtorch;
        Compute = compute;
        FastBfloat16 = fastBfloat16;
    }

    public NumericClass NumericClass { get; }

    public torch.Device Device { get; }

    public LibTorchInstallation LibTorch { get; }

    public ComputeThread Compute { get; }

    /// <summary>Whether the device multiplies bfloat16 faster than float32: what compute_dtype auto asks.</summary>
    public bool FastBfloat16 { get; }

    /// <exception cref="WorkerFaultException">A library, the device or the asked class is not to be had; the message says what to do.</exception>
    public static WorkerRuntime Start(RuntimeOptions options, ILogger? logger = null)
    {
        var path = InstructionPaths.Parse(options.NumericClass, InstructionPaths.Best());
        NumericEnvironment.Configure(options.Threads ?? NumericEnvironment.AvailableProcessors, path);
        var libtorch = LibTorchLoader.Load(options.LibTorchDirectory, logger);
        var device = OpenDevice(options.Device, libtorch);
        NumericEnvironment.ApplyToLibTorch(device.type);
        var numericClass = NumericClassProbe.Probe(options.Device, libtorch);
        var compute = new ComputeThread(NumericEnvironment.ApplyToCurrentThread);
        return new WorkerRuntime(numericClass, device, libtorch, compute, device.type == DeviceType.CUDA || path >= InstructionPath.Avx512Bf16);
    }

    public void Dispose() => Compute.Dispose();

    private static torch.Device OpenDevice(string name, LibTorchInstallation libtorch)
    {
        if (name == "cpu")
            return torch.CPU;
        if (DeviceNames.WhyUnknown(name) is { } unknown)
            throw new WorkerFaultException(ErrorCode.Internal, unknown);
        if (!libtorch.Cuda || !torch.cuda.is_available())
        {
            var reason = libtorch.Cuda ? "libtorch finds no usable card or driver" : $"the libtorch in '{libtorch.Directory}' has no CUDA part";
            throw new WorkerFaultException(ErrorCode.Internal, $"--device {name}: {reason}; install the driver, name a libtorch built for CUDA with --libtorch DIR, or use --device cpu.");
        }

        var index = DeviceNames.IndexOf(name);
        if (index >= torch.cuda.device_count())
            throw new WorkerFaultException(ErrorCode.Internal, $"--device {name}: this process sees {torch.cuda.device_count()} cards (CUDA_VISIBLE_DEVICES may hide some).");
        torch.InitializeDeviceType(DeviceType.CUDA);
        return torch.device(DeviceType.CUDA, index);
    }
}
