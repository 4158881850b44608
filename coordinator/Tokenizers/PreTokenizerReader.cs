using Orchestrator.Coordinator.Tokenizers.Patterns;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Reads the <c>pre_tokenizer</c> of tokenizer.json.</summary>
internal static class PreTokenizerReader
{
    private const string Known = "Sequence, Split, ByteLevel, Digits";

    /// <summary>The pre-tokenizer, whose last step must be ByteLevel: the model works on bytes.</summary>
    public static PreTokenizer Read(JsonPart? part, string document)
    {
        var steps = new List<PreTokenizer>();
        if (part is { } root)
        {
            Read(root, steps);
        }

        return steps is [.., ByteLevelPreTokenizer] ? new PreTokenizerSequence(steps) : throw new InvalidInputException(
            $"{document}, pre_tokenizer: it does not end with ByteLevel; only byte-level tokenizers are supported, so use a model with one (Llama 3, Qwen, GPT-2, DeepSeek).");
    }

    /// <summary>Any pre-tokenizer by itself.</summary>
    public static PreTokenizer ReadOne(JsonPart part)
    {
        var steps = new List<PreTokenizer>();
        Read(part, steps);
        return new PreTokenizerSequence(steps);
    }

    private static void Read(JsonPart part, List<PreTokenizer> steps)
    {
        string type = part.Get("type").Text();
        if (type != "Sequence" && steps is [.., ByteLevelPreTokenizer])
        {
            // What follows would see the characters that stand for bytes, which are never written here.
            throw new InvalidInputException($"{part.Where}: {Models.ForeignText.Clip(type)} after ByteLevel is not supported; use a tokenizer.json whose ByteLevel comes last.");
        }

        switch (type)
        {
            case "Sequence":
                foreach (var item in part.Get("pretokenizers").Items())
                {
                    Read(item, steps);
                }

                break;
            case "ByteLevel":
                steps.Add(new ByteLevelPreTokenizer(part.Flag("add_prefix_space", absent: true), part.Flag("use_regex", absent: true)));
                break;
            case "Split":
                steps.Add(new SplitPreTokenizer(Pattern(part.Get("pattern")), Behavior(part.Get("behavior")), part.Flag("invert", absent: false)));
                break;
            case "Digits":
                string digits = part.Flag("individual_digits", absent: false) ? @"\p{N}" : @"\p{N}+";
                steps.Add(new SplitPreTokenizer(PatternProgram.Compile(digits, part.Where), SplitBehavior.Isolated, invert: false));
                break;
            default:
                throw part.Unknown("pre-tokenizer", type, Known);
        }
    }

    private static PatternProgram Pattern(JsonPart part)
    {
        if (part.Find("Regex") is { } regex)
        {
            return PatternProgram.Compile(regex.Text(), regex.Where);
        }

        var literal = part.Get("String");
        return PatternProgram.CompileLiteral(literal.Text(), literal.Where);
    }

    private static SplitBehavior Behavior(JsonPart part) => part.Text() switch
    {
        "Isolated" => SplitBehavior.Isolated,
        "Removed" => SplitBehavior.Removed,
        "Contiguous" => SplitBehavior.Contiguous,
        "MergedWithPrevious" => SplitBehavior.MergedWithPrevious,
        "MergedWithNext" => SplitBehavior.MergedWithNext,
        var other => throw part.Unknown("behavior", other, "Isolated, Removed, Contiguous, MergedWithPrevious, MergedWithNext"),
    };
}
