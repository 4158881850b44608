using System.Runtime.InteropServices;
using TorchSharp;

namespace Orchestrator.Worker.Runtime;

/// <summary>Pins what decides the bits of the libraries' results: thread count and instruction path.</summary>
/// <remarks>
/// The libraries read the C environment while they load, and .NET keeps an environment of its own: hence libc's setenv, called
/// before <see cref="LibTorchLoader.Load"/>. A team of threads is never shrunk when fewer processors are there (MKL_DYNAMIC,
/// OMP_DYNAMIC): an oversubscribed process keeps its bits, and waits passively after a moment so that it does not fight itself.
/// </remarks>
internal static partial class NumericEnvironment
{
    // Turns of a waiting loop, some tens of microseconds, before a thread sleeps. A step of a small model is a thousand operations, and each would wake the team: a tenth of its time. Where processes
    // share processors it costs them a hundredth of their own.
    private const string ShortWait = "1000";

    private static readonly Lock Gate = new();
    private static (int Threads, InstructionPath Path)? _configured;

    /// <summary>Compute threads of this process; 1 until <see cref="Configure"/>. How many one operation has is <see cref="ThreadTeam.Size"/>.</summary>
    public static int Threads => _configured?.Threads ?? 1;

    /// <summary>The instruction path of this process; the processor's best until <see cref="Configure"/>.</summary>
    public static InstructionPath Path => _configured?.Path ?? InstructionPaths.Best();

    /// <summary>Threads that affinity and cgroup allow this process: what <c>--threads auto</c> means.</summary>
    public static int AvailableProcessors => Environment.ProcessorCount;

    /// <summary>Sets the environment of the libraries, once, before they are loaded.</summary>
    /// <exception cref="InvalidOperationException">Other values were set before, or libtorch is already loaded without any.</exception>
    public static void Configure(int threads, InstructionPath path)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        lock (Gate)
        {
            if (_configured is { } earlier)
            {
                if (earlier != (threads, path))
                    throw new InvalidOperationException($"the numeric environment of a process is set once: it is {earlier}, not {(threads, path)}");
                return;
            }

            if (LibTorchLoader.Loaded is not null)
                throw new InvalidOperationException("libtorch was loaded before the numeric environment was set");
            foreach (var (name, value) in Variables(threads, path))
                SetVariable(name, value, 1);
            _configured = (threads, path);
        }
    }

    /// <summary>The variables and values that <see cref="Configure"/> sets.</summary>
    public static IReadOnlyList<(string Name, string Value)> Variables(int threads, InstructionPath path) =>
    [
        ("MKL_DYNAMIC", "FALSE"),
        ("OMP_DYNAMIC", "FALSE"),
        ("OMP_NUM_THREADS", $"{threads}"),
        ("MKL_NUM_THREADS", $"{threads}"),
        ("OMP_WAIT_POLICY", "PASSIVE"),
        ("GOMP_SPINCOUNT", ShortWait),
        ("KMP_BLOCKTIME", "0"),
        ("ATEN_CPU_CAPABILITY", path switch { InstructionPath.Portable => "default", InstructionPath.Avx2 => "avx2", _ => "avx512" }),
        ("ONEDNN_MAX_CPU_ISA", path switch
        {
            InstructionPath.Portable => "SSE41",
            InstructionPath.Avx2 => "AVX2",
            InstructionPath.Avx512 => "AVX512_CORE",
            InstructionPath.Avx512Bf16 => "AVX512_CORE_BF16",
            _ => "AVX512_CORE_AMX",
        }),
        ("MKL_ENABLE_INSTRUCTIONS", path switch { InstructionPath.Portable => "SSE4_2", InstructionPath.Avx2 => "AVX2", _ => "AVX512" }),
        // cuda:N is the N-th card on the bus, which the class is named after, and not the N-th fastest.
        ("CUDA_DEVICE_ORDER", "PCI_BUS_ID"),
        // Read by cuBLAS alone; without it its reductions may differ from run to run.
        ("CUBLAS_WORKSPACE_CONFIG", ":4096:8"),
    ];

    /// <summary>Gives the calling thread the process's team size: OpenMP keeps it per thread.</summary>
    public static void ApplyToCurrentThread() => torch.set_num_threads(Threads);

    /// <summary>Tells libtorch what its operations must keep to on a device, once it is loaded: on a card some take turns among threads otherwise.</summary>
    /// <remarks>On the CPU what is used has one order of sums by itself, and there is nothing to choose.</remarks>
    public static void ApplyToLibTorch(DeviceType device)
    {
        if (device == DeviceType.CUDA)
            DeterministicAlgorithms.Required = true;
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
