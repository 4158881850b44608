using System.CommandLine;

namespace Orchestrator.Coordinator.Cli.WholeModel;

/// <summary>The command line options that say which model a command computes with, the same for all such commands.</summary>
internal sealed class WholeModelSwitches
{
    private readonly Option<string> _model = new("--model") { Description = "The Hugging Face model folder.", Required = true, Validators = { PathCheck.NotEmpty } };
    private readonly Option<string?> _adapter = new("--adapter") { Description = "A PEFT adapter folder.", Validators = { PathCheck.NotEmpty } };
    private readonly Option<string> _quantization = new("--quantization") { Description = "nf4, fp4 or none.", DefaultValueFactory = _ => "none" };
    private readonly Option<string> _computeDtype = new("--compute-dtype") { Description = "auto, bfloat16 or float32.", DefaultValueFactory = _ => "auto" };
    private readonly Option<string[]> _sets = new("--set")
    {
        Description = "Sets a key of a job that has an effect here (of quantization, data or resources), e.g. quantization.double_quant=false; may be repeated.",
        DefaultValueFactory = _ => [],
    };

    public WholeModelSwitches()
    {
        _quantization.AcceptOnlyFromAmong("nf4", "fp4", "none");
        _computeDtype.AcceptOnlyFromAmong("auto", "bfloat16", "float32");
    }

    public IEnumerable<Option> All => [_model, _adapter, _quantization, _computeDtype, _sets];

    public WholeModelOptions Read(ParseResult parsed) => new(parsed.GetRequiredValue(_model))
    {
        Adapter = parsed.GetValue(_adapter),
        Quantization = parsed.GetRequiredValue(_quantization),
        ComputeDtype = parsed.GetRequiredValue(_computeDtype),
        Sets = parsed.GetValue(_sets) ?? [],
    };
}
