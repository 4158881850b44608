using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Orchestrator.Worker.Models;

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
