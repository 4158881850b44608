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
