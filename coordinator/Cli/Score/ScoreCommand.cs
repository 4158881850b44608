using System.CommandLine;

namespace Orchestrator.Coordinator.Cli.Score;

/// <summary><c>score</c>: log-probabilities of a model, with or without an adapter, on data.</summary>
internal static class ScoreCommand
{
    public static Command Create(CommandRunner runner)
    {
        var model = new Option<string>("--model") { Description = "The Hugging Face model folder.", Required = true };
        var data = new Option<string>("--data") { Description = "The data: a JSONL file of input_ids and labels.", Required = true };
        var adapter = new Option<string?>("--adapter") { Description = "A PEFT adapter folder." };
        var quantization = new Option<string>("--quantization") { Description = "nf4, fp4 or none.", DefaultValueFactory = _ => "none" };
        quantization.AcceptOnlyFromAmong("nf4", "fp4", "none");
        var computeDtype = new Option<string>("--compute-dtype") { Description = "auto, bfloat16 or float32.", DefaultValueFactory = _ => "auto" };
        computeDtype.AcceptOnlyFromAmong("auto", "bfloat16", "float32");
        var sets = new Option<string[]>("--set") { Description = "Sets a key of a job's quantization, data or resources section, e.g. quantization.double_quant=false; may be repeated.", DefaultValueFactory = _ => [] };
        var json = new Option<bool>("--json") { Description = "One JSON object a line on stdout." };
        var command = new Command("score", "Scores data with a model: log-probabilities of its label tokens.") { model, adapter, quantization, computeDtype, data, sets, json };
        command.SetAction((parsed, _) => runner.RunAsync(async (output, interrupts, log) =>
        {
            var options = new ScoreOptions(parsed.GetRequiredValue(model), parsed.GetRequiredValue(data))
            {
                Adapter = parsed.GetValue(adapter),
                Quantization = parsed.GetRequiredValue(quantization),
                ComputeDtype = parsed.GetRequiredValue(computeDtype),
                Sets = parsed.GetValue(sets) ?? [],
                Json = parsed.GetValue(json),
            };
            var input = ScoreInput.Read(options, Environment.CurrentDirectory);
            await new ScoreRun(input, output, log, options.Json).RunAsync(interrupts.Stop);
            return ExitCodes.Done;
        }));
        return command;
    }
}
