using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Orchestrator.Worker.Models;

/// <summary>A projection group in the graph: saves its input and nothing else; weights are dequantized again in backward.</summary>
internal sealed class ProjectionFunction : SingleTensorFunction<ProjectionFunction>
{
    private const string GroupKey = "group";
    private const string PassKey = "pass";
    private const string EntryKey = "entry";

    public override string Name => nameof(ProjectionFunction);

    /// <param name="x">[tokens, in].</param>
    /// <param name="group">The linear layers.</param>
    /// <param name="pass">The pass.</param>
    /// <param name="entry">True for the group that reads the layer's own input: its input gradient is left out where the layer's is not needed.</param>
    public static Tensor Apply(Tensor x, ProjectionGroup group, PassContext pass, bool entry) => apply(x, group, pass, entry);

    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        var (x, group, pass) = ((Tensor)vars[0], (ProjectionGroup)vars[1], (PassContext)vars[2]);
        pass.Save(ctx, x);
        ctx.save_data(GroupKey, group);
        ctx.save_data(PassKey, pass);
        ctx.save_data(EntryKey, vars[3]);
        return group.Forward(x, pass);
    }

    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        var pass = (PassContext)ctx.get_data(PassKey);
        using var x = ctx.get_saved_variables()[0];
        var needed = pass.InputGradientNeeded || !(bool)ctx.get_data(EntryKey);
        var gradient = pass.Guard(x, () => ((ProjectionGroup)ctx.get_data(GroupKey)).Backward(x, grad_output, pass, needed) ?? zeros_like(x));
        return [gradient, null!, null!, null!];
    }
}

/// <summary>RMSNorm in the graph: saves its input; the factor is computed again.</summary>
internal sealed class RmsNormFunction : SingleTensorFunction<RmsNormFunction>
{
    private const string NormKey = "norm";
    private const string PassKey = "pass";
    private const string EntryKey = "entry";

    public override string Name => nameof(RmsNormFunction);

    /// <param name="x">[tokens, hidden].</param>
    /// <param name="norm">Weight and epsilon.</param>
    /// <param name="pass">The pass.</param>
    /// <param name="entry">True for the norm that reads the layer's own input.</param>
    public static Tensor Apply(Tensor x, RmsNorm norm, PassContext pass, bool entry) => apply(x, norm, pass, entry);

    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        var (x, norm, pass) = ((Tensor)vars[0], (RmsNorm)vars[1], (PassContext)vars[2]);
        pass.Save(ctx, x);
        ctx.save_data(NormKey, norm);
        ctx.save_data(PassKey, pass);
        ctx.save_data(EntryKey, vars[3]);
        return norm.Forward(x);
    }

    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        var pass = (PassContext)ctx.get_data(PassKey);
        using var x = ctx.get_saved_variables()[0];
        var needed = pass.InputGradientNeeded || !(bool)ctx.get_data(EntryKey);
        var gradient = pass.Guard(x, () => needed ? ((RmsNorm)ctx.get_data(NormKey)).Backward(x, grad_output) : zeros_like(x));
        return [gradient, null!, null!, null!];
    }
}

/// <summary>Attention in the graph: saves the projection or its rotated heads; scores are computed again.</summary>
internal sealed class AttentionFunction : SingleTensorFunction<AttentionFunction>
{
    private const string AttentionKey = "attention";
    private const string PassKey = "pass";

    public override string Name => nameof(AttentionFunction);

    /// <param name="projected">[tokens, (heads + 2 key heads) * head_dim]: q, k, v.</param>
    /// <param name="attention">The layer's attention.</param>
    /// <param name="pass">The pass.</param>
    public static Tensor Apply(Tensor projected, CausalAttention attention, PassContext pass) => apply(projected, attention, pass);

    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        var (projected, attention, pass) = ((Tensor)vars[0], (CausalAttention)vars[1], (PassContext)vars[2]);
        var kept = attention.Keep(projected, pass);
        pass.Save(ctx, kept);
        ctx.save_data(AttentionKey, attention);
        ctx.save_data(PassKey, pass);
        return attention.Forward(kept, pass);
    }

    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        var pass = (PassContext)ctx.get_data(PassKey);
        var attention = (CausalAttention)ctx.get_data(AttentionKey);
        using var scope = NewDisposeScope();
        var saved = ctx.get_saved_variables();
        var gradient = attention.GradientLike(grad_output);
        return [pass.Guard(gradient, () => attention.Backward(saved, grad_output, gradient, pass)).MoveToOuterDisposeScope(), null!, null!];
    }
}

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
        using var clock = PhaseClock.Measure(Phase.SwiGlu);
        return operations.SwiGlu(gateUp);
    }

    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        var pass = (PassContext)ctx.get_data(PassKey);
        using var gateUp = ctx.get_saved_variables()[0];
        using var clock = PhaseClock.Measure(Phase.SwiGlu);
        return [pass.Guard(gateUp, () => ((FusedOperations)ctx.get_data(OperationsKey)).SwiGluBackward(gateUp, grad_output)), null!, null!];
    }
}
