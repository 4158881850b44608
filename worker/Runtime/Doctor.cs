using System.Globalization;
using System.Runtime.InteropServices;
using TorchSharp;

namespace Orchestrator.Worker.Runtime;

/// <summary>Examines what a worker needs of a machine: <c>orchestrator-worker doctor</c>.</summary>
/// <remarks>Starts the runtime as a worker would and multiplies on its device; run it in a process of its own, before anything touches <c>torch</c>.</remarks>
internal static partial class Doctor
{
    public static DoctorReport Examine(RuntimeOptions options)
    {
        var findings = new List<DoctorFinding>
        {
            new("system", $"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}, .NET {Environment.Version}", RuntimeInformation.ProcessArchitecture != Architecture.X64),
            new("glibc", GlibcVersion()),
            Processors(options),
            new("instructions", Instructions(), InstructionPaths.Best() == InstructionPath.Portable),
            new("memory", string.Create(CultureInfo.InvariantCulture, $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9:F1} GB for this process")),
            Driver(options),
        };
        var fault = StartAndMultiply(options, findings);
        var portable = findings.Find(f => f is { Subject: "instructions", IsProblem: true }) is not null;
        if (fault is not null)
            return new DoctorReport(findings, $"A worker cannot run here: {fault}", CanRun: false);
        var speed = portable ? " It will be slow: the processor lacks AVX2." : "";
        return new DoctorReport(findings, $"A worker with --device {options.Device} can run here.{speed}", CanRun: true);
    }

    private static string? StartAndMultiply(RuntimeOptions options, List<DoctorFinding> findings)
    {
        try
        {
            using var runtime = WorkerRuntime.Start(options);
            var note = runtime.LibTorch.WeakenedNeed ? ", with a private copy of TorchSharp's native part, since this libstdc++ lacks GLIBCXX_3.4.32" : "";
            findings.Add(new("libtorch", $"{runtime.LibTorch.Version} from {runtime.LibTorch.Directory}{note}"));
            var c = runtime.NumericClass;
            findings.Add(new("numeric class", $"{c.Backend}, {c.InstructionPath}, libtorch {c.Libtorch}, kernels {c.Kernels}, {c.Threads} threads"));
            var product = runtime.Compute.Run(() => Multiply(runtime.Device)).GetAwaiter().GetResult();
            findings.Add(product == 64
                ? new("device", $"{options.Device}: multiplies{(runtime.FastBfloat16 ? ", bfloat16 fast" : "")}")
                : new("device", $"{options.Device}: 64 came out as {product}", IsProblem: true));
            return product == 64 ? null : $"{options.Device} multiplies wrongly; replace the device or its driver.";
        }
        catch (WorkerFaultException e)
        {
            findings.Add(new("libtorch", e.Message, IsProblem: true));
            return e.Message;
        }
        catch (ExternalException e)
        {
            findings.Add(new("device", e.Message, IsProblem: true));
            return $"{options.Device} does not compute: {e.Message}";
        }
    }

    private static float Multiply(torch.Device device)
    {
        using var scope = torch.NewDisposeScope();
        return torch.ones([64, 64], torch.float32, device).mm(torch.ones([64, 64], torch.float32, device)).cpu()[63, 63].item<float>();
    }

    private static DoctorFinding Processors(RuntimeOptions options)
    {
        var available = NumericEnvironment.AvailableProcessors;
        var threads = options.Threads ?? available;
        var note = threads > available ? $"; {threads} threads share them, which is slow but keeps the numeric class" : "";
        return new("processors", $"{available} for this process{note}");
    }

    private static string Instructions()
    {
        var best = InstructionPaths.Best();
        return best switch
        {
            InstructionPath.Portable => "no AVX2",
            InstructionPath.Avx512Bf16 or InstructionPath.AmxBf16 => $"{best.Name()}: bfloat16 is multiplied fast",
            _ => $"{best.Name()}: float32 is the faster type",
        };
    }

    private static DoctorFinding Driver(RuntimeOptions options)
    {
        var wanted = options.Device.StartsWith("cuda", StringComparison.Ordinal);
        if (NvidiaDriver.Version() is not { } version)
            return new("driver", "no NVIDIA driver is loaded" + (wanted ? ": install it, or use --device cpu" : ", as a CPU worker needs none"), wanted);
        return new("driver", $"{version}; cards: {string.Join(", ", NvidiaDriver.Models())}");
    }

    private static string GlibcVersion() => Marshal.PtrToStringUTF8(GnuLibcVersion()) ?? "unknown";

    [LibraryImport("libc", EntryPoint = "gnu_get_libc_version")]
    private static partial nint GnuLibcVersion();
}
