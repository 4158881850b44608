using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Placement;

/// <summary>A numeric class as people and files see it, e.g. <c>cpu/avx2/libtorch-2.10.0/kernels-1/threads-2</c>.</summary>
internal static class NumericClassText
{
    public static string Of(NumericClass numericClass)
        => $"{numericClass.Backend}/{numericClass.InstructionPath}/libtorch-{numericClass.Libtorch}/kernels-{numericClass.Kernels}/threads-{numericClass.Threads}";
}
