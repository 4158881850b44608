using System.CommandLine;

namespace Orchestrator.Coordinator.Cli.Tokenize;

/// <summary><c>tokenize</c>: the tokenizer of a model folder at work.</summary>
internal static class TokenizeCommand
{
    public static Command Create(CommandRunner runner)
    {
        var model = new Option<string>("--model") { Description = "The model's folder.", Required = true, Validators = { PathCheck.NotEmpty } };
        var data = new Option<string>("--data") { Description = "A JSONL file of texts: {\"text\": …} a line.", Validators = { PathCheck.NotEmpty } };
        var text = new Argument<string?>("TEXT") { Description = "A text, instead of --data.", Arity = ArgumentArity.ZeroOrOne };
        var noSpecial = new Option<bool>("--no-special") { Description = "Without the tokens that the tokenizer adds to a text (a BOS)." };
        var json = new Option<bool>("--json") { Description = "One JSON object a line on stdout." };
        var command = new Command("tokenize", "Shows the tokens of a text.") { model, data, text, noSpecial, json };
        command.SetAction((parsed, _) => runner.RunAsync((output, _, _) =>
        {
            var run = new TokenizeRun(Tokenizers.Tokenizer.Open(parsed.GetRequiredValue(model)), !parsed.GetValue(noSpecial), parsed.GetValue(json), output.Results);
            run.Run(parsed.GetValue(text), parsed.GetValue(data));
            return Task.FromResult(ExitCodes.Done);
        }));
        return command;
    }
}
