using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Orchestrator.Worker.Models;

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
