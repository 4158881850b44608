using System.CommandLine;
using Orchestrator.Coordinator.Cli.WholeModel;

namespace Orchestrator.Coordinator.Cli.Generate;

/// <summary><c>generate</c>: a model's answer to a prompt, to messages, or to a person who types.</summary>
internal static class GenerateCommand
{
    private static readonly Option<string?> Prompt = new("--prompt") { Description = "The question: a user's message where the model has a chat template, else a text that is gone on with. Without any prompt: a chat." };
    private static readonly Option<string?> Messages = new("--messages") { Description = "A file of messages (role, content), or of conversations of them: JSON or JSON Lines.", Validators = { PathCheck.NotEmpty } };
    private static readonly Option<string?> PromptIds = new("--prompt-ids") { Description = "The prompt as token ids, e.g. 1,529,30; needs no tokenizer." };
    private static readonly Option<bool> Raw = new("--raw") { Description = "Goes on with the prompt as plain text, without the chat template." };
    private static readonly Option<int> MaxNewTokens = new("--max-new-tokens") { Description = "Tokens of the longest answer.", DefaultValueFactory = _ => 256 };
    private static readonly Option<double?> Temperature = new("--temperature") { Description = "Samples instead of taking the most likely token; 0 does not." };
    private static readonly Option<double?> TopP = new("--top-p") { Description = "Samples from the most likely tokens that together have this probability." };
    private static readonly Option<long?> Seed = new("--seed") { Description = "Makes sampling repeatable; by default a new one each time, which is told." };
    private static readonly Option<string[]> Stop = new("--stop") { Description = "A text that ends the answer; may be repeated.", DefaultValueFactory = _ => [] };
    private static readonly Option<bool> Json = new("--json") { Description = "One JSON object an answer on stdout." };

    public static Command Create(CommandRunner runner)
    {
        var model = new WholeModelSwitches();
        var command = new Command("generate", "Lets a model speak: text as it is made, from a prompt, messages or a chat.")
        {
            Prompt, Messages, PromptIds, Raw, MaxNewTokens, Temperature, TopP, Seed, Stop, Json,
        };
        foreach (var option in model.All) command.Add(option);
        command.SetAction((parsed, _) => runner.RunAsync((output, interrupts, log) =>
        {
            var options = new GenerateOptions(model.Read(parsed))
            {
                Prompt = parsed.GetValue(Prompt),
                Messages = parsed.GetValue(Messages),
                PromptIds = parsed.GetValue(PromptIds),
                Raw = parsed.GetValue(Raw),
                MaxNewTokens = parsed.GetValue(MaxNewTokens),
                Temperature = parsed.GetValue(Temperature),
                TopP = parsed.GetValue(TopP),
                Seed = parsed.GetValue(Seed),
                Stops = parsed.GetValue(Stop) ?? [],
                Json = parsed.GetValue(Json),
            };
            var input = GenerateInput.Read(options, Environment.CurrentDirectory);
            return new GenerateRun(input, output, log).RunAsync(Console.In, isTerminal: !Console.IsInputRedirected, interrupts.Stop);
        }));
        return command;
    }
}
