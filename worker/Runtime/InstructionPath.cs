namespace Orchestrator.Worker.Runtime;

/// <summary>The CPU instructions that kernels and libraries of this process may use, from the least to the most.</summary>
internal enum InstructionPath
{
    Portable,
    Avx2,
    Avx512,
    Avx512Bf16,

    /// <summary>Tiles of bfloat16 besides all of AVX-512: AMX.</summary>
    AmxBf16,
}
