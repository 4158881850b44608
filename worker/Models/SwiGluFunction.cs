using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Orchestrator.Worker.Models;

/// <summary>silu(gate) * up in the graph: saves its input.</summary>
internal sealed class SwiGluFunction : SingleTensorFunction<SwiGluFunction>
{
    private const string OperationsKey = "operations";
    private const string PassKey = "pass";

    public override string Name => nameof(SwiGluFunction);

    /// <param name="gateUp">[tokens, 2 width].</param>
    /// <param name="operations">The device's operations.</param>
    /// <param name="pass">The pass.</param>
    public static Tensor Apply(Tensor gateUp, FusedOperations operations, PassContext pass) => apply(gateUp, operations, pass);

    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        var (gateUp, operations, pass) = ((Tensor)vars[0], (FusedOperations)vars[1], (PassContext)vars[2]);
        pass.Save(ctx, gateUp);
        ctx.save_data(OperationsKey, operations);
        ctx.save_data(PassKey, pass);
        using var clock = KernelProfile.Measure(KernelPhase.SwiGlu);
        return operations.SwiGlu(gateUp);
    }

    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        var pass = (PassContext)ctx.get_data(PassKey);
        using var gateUp = ctx.get_saved_variables()[0];
        using var clock = KernelProfile.Measure(KernelPhase.SwiGlu);
        return [pass.Guard(gateUp, () => ((FusedOperations)ctx.get_data(OperationsKey)).SwiGluBackward(gateUp, grad_output)), null!, null!];
    }
}
