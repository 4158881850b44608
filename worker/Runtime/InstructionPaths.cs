using System.Runtime.Intrinsics.X86;
using Orchestrator.Protos;

namespace Orchestrator.Worker.Runtime;

/// <summary>Finds, names and parses instruction paths.</summary>
internal static class InstructionPaths
{
    /// <summary>The best path that this processor has.</summary>
    /// <remarks>AVX512-BF16 is read from CPUID leaf 7, subleaf 1 (EAX bit 5): .NET has no class for it.</remarks>
    public static InstructionPath Best()
    {
        if (!Avx2.IsSupported || !Fma.IsSupported || !Bmi2.IsSupported)
            return InstructionPath.Portable;
        if (!Avx512F.IsSupported || !Avx512BW.IsSupported || !Avx512DQ.IsSupported || !Avx512F.VL.IsSupported)
            return InstructionPath.Avx2;
        if ((X86Base.CpuId(7, 1).Eax & (1 << 5)) == 0)
            return InstructionPath.Avx512;
        return MatrixTiles.AreUsable ? InstructionPath.AmxBf16 : InstructionPath.Avx512Bf16;
    }

    /// <summary>The name in a numeric class: "portable", "avx2", "avx512", "avx512_bf16" or "amx_bf16".</summary>
    public static string Name(this InstructionPath path) => path switch
    {
        InstructionPath.Avx2 => "avx2",
        InstructionPath.Avx512 => "avx512",
        InstructionPath.Avx512Bf16 => "avx512_bf16",
        InstructionPath.AmxBf16 => "amx_bf16",
        _ => "portable",
    };

    /// <summary>The sentence that says that a name is none; null: it is one, whether or not this processor has the path.</summary>
    public static string? WhyUnknown(string name) =>
        name == "auto" || Enum.GetValues<InstructionPath>().Any(path => path.Name() == name)
            ? null
            : $"--numeric-class '{name}' is unknown: use {string.Join(", ", Enum.GetValues<InstructionPath>().Select(Name))} or auto.";

    /// <summary>The path that was asked for, which this processor must have; null or "auto" is the best one.</summary>
    /// <exception cref="WorkerFaultException">The name is unknown, or this processor lacks these instructions.</exception>
    public static InstructionPath Parse(string? name, InstructionPath best)
    {
        if (name is null or "auto")
            return best;
        if (WhyUnknown(name) is { } unknown)
            throw new WorkerFaultException(ErrorCode.NumericClassMismatch, unknown);
        var asked = Enum.GetValues<InstructionPath>().First(path => path.Name() == name);
        return asked <= best
            ? asked
            : throw new WorkerFaultException(ErrorCode.NumericClassMismatch, $"--numeric-class {name}: this processor has only {best.Name()}.");
    }
}
