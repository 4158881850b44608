using Orchestrator.Coordinator.Cli.Generate;
using Orchestrator.Coordinator.Cli.WholeModel;

namespace Orchestrator.Coordinator.Cli.Evaluate;

/// <summary>An <c>evaluate</c> whose model, data and options were read and checked.</summary>
internal sealed record EvaluateInput(WholeModelInput Model, PromptEncoder Text, GenerationSettings Settings, IReadOnlyList<EvaluationSample> Samples)
{
    /// <exception cref="InvalidInputException">An option, the model's tokenizer or a row is wrong.</exception>
    public static EvaluateInput Read(WholeModelInput model, GenerationSettings settings)
    {
        var text = PromptEncoder.Open(model.Model.Path, model.Job.Data);
        var samples = new EvaluationData(text, model.Job.Data, model.Model.Spec, settings).Read(model.Job.Data.Train[0]);
        return new EvaluateInput(model, text, settings with { StopTokens = text.StopTokens }, samples);
    }
}
