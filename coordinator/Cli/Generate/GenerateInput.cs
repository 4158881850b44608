using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Cli.WholeModel;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli.Generate;

/// <summary>A <c>generate</c> whose model, prompts and options were read and checked.</summary>
/// <param name="Model">The model.</param>
/// <param name="Text">Its tokenizer and template.</param>
/// <param name="Settings">How answers are made.</param>
/// <param name="Prompts">The prompts' tokens; null: a chat.</param>
/// <param name="Json">Whether answers are printed as JSON.</param>
internal sealed record GenerateInput(WholeModelInput Model, PromptEncoder Text, GenerationSettings Settings, IReadOnlyList<int[]>? Prompts, bool Json)
{
    private static readonly WholeModelKeys Keys = new("generate", "data.chat_template", "data.clock");

    /// <exception cref="InvalidInputException">An option, the model, the adapter or a prompt is wrong.</exception>
    public static GenerateInput Read(GenerateOptions options, string currentFolder)
    {
        CheckOptions(options);
        var model = WholeModelInput.Read(options.Model, Keys, NoData(currentFolder), currentFolder);
        var text = PromptEncoder.Open(model.Model.Path, model.Job.Data);
        if (options.Stops.Count > 0 && text.Tokenizer is null) throw new InvalidInputException($"--stop needs a tokenizer, and {model.Model.Path} has none.");
        var settings = new GenerationSettings(GenerationSettings.CheckedLength(options.MaxNewTokens), text.StopTokens, options.Stops, SamplingOf(options));
        void Check(int[] prompt) => PromptRoom.Fit(prompt, settings, model.Model.Spec);
        var prompts = ReadPrompts(options, text, Check, currentFolder);
        if (prompts is null) text.RequireTemplate();
        foreach (var prompt in prompts ?? []) Check(prompt);
        return new GenerateInput(model, text, settings, prompts, options.Json);
    }

    // A job must name its data; what is named here is never looked at. The section's chat_template is the command's too.
    private static JsonObject NoData(string currentFolder) => new() { ["train"] = currentFolder };

    private static void CheckOptions(GenerateOptions options)
    {
        if (new[] { options.Prompt, options.Messages, options.PromptIds }.Count(given => given is not null) > 1)
            throw new InvalidInputException("Only one of --prompt, --messages and --prompt-ids can be given.");
        if (options.Raw && options.Prompt is null) throw new InvalidInputException("--raw says how --prompt is read, and there is no --prompt.");
        if (options.Temperature is { } temperature && !(temperature >= 0 && double.IsFinite(temperature)))
            throw new InvalidInputException($"--temperature is {temperature.ToString(CultureInfo.InvariantCulture)}; it is at least 0, and 0 takes the most likely token.");
        if (options.TopP is { } topP && topP is not (> 0 and <= 1))
            throw new InvalidInputException($"--top-p is {topP.ToString(CultureInfo.InvariantCulture)}; it is a probability above 0 and at most 1.");
        if (options.Seed < 0) throw new InvalidInputException($"--seed is {options.Seed}; it is at least 0.");
        if (options.Stops.Contains("", StringComparer.Ordinal)) throw new InvalidInputException("--stop is empty; it is a text that ends the answer.");
    }

    private static Sampling? SamplingOf(GenerateOptions options) => options is { Temperature: null, TopP: null } or { Temperature: 0 } ? null : new Sampling
    {
        Temperature = options.Temperature ?? 1,
        TopP = options.TopP ?? 1,
        Seed = (ulong)(options.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue)),
    };

    private static IReadOnlyList<int[]>? ReadPrompts(GenerateOptions options, PromptEncoder text, Action<int[]> check, string currentFolder)
    {
        if (options.PromptIds is { } ids) return [ReadIds(ids)];
        if (options.Messages is { } file) return ConversationFile.Read(Path.GetFullPath(file, currentFolder), chat => PromptOf(chat, text, check));
        if (options.Prompt is not { } prompt) return null;
        return [text.HasTemplate && !options.Raw ? text.EncodeChat(Turns.Chat([(ChatRoles.User, prompt)])) : text.EncodeText(prompt)];
    }

    private static int[] PromptOf(ChatRow chat, PromptEncoder text, Action<int[]> check)
    {
        // A model without a template is no row's fault.
        text.RequireTemplate();
        try
        {
            var prompt = text.EncodeChat(chat);
            check(prompt);
            return prompt;
        }
        catch (InvalidInputException refused)
        {
            throw new RowException(refused.Message.TrimEnd('.'), inner: refused);
        }
    }

    private static int[] ReadIds(string list) => [.. list.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(item =>
        int.TryParse(item, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : throw new InvalidInputException($"--prompt-ids holds '{Models.ForeignText.Clip(item)}', which is no token id; ids are numbers with commas between."))];
}
