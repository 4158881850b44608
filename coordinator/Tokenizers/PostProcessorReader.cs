namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Reads the <c>post_processor</c> of tokenizer.json; the template for two texts is not used.</summary>
internal static class PostProcessorReader
{
    private const string Known = "Sequence, ByteLevel, TemplateProcessing";

    public static PostProcessor Read(JsonPart? part)
    {
        var processor = PostProcessor.None;
        if (part is { } root)
        {
            Read(root, ref processor);
        }

        return processor;
    }

    private static void Read(JsonPart part, ref PostProcessor processor)
    {
        string type = part.Get("type").Text();
        switch (type)
        {
            case "Sequence":
                foreach (var item in part.Get("processors").Items())
                {
                    Read(item, ref processor);
                }

                break;
            case "ByteLevel" when part.Flag("trim_offsets", absent: true):
                processor = processor with { Trim = true, KeepPrefixSpace = part.Flag("add_prefix_space", absent: true) };
                break;
            case "ByteLevel":
                break;
            case "TemplateProcessing":
                var (before, after) = Template(part);
                processor = processor with { Before = [.. before, .. processor.Before], After = [.. processor.After, .. after] };
                break;
            default:
                throw part.Unknown("post-processor", type, Known);
        }
    }

    private static (List<int> Before, List<int> After) Template(JsonPart part)
    {
        var before = new List<int>();
        var after = new List<int>();
        var current = before;
        foreach (var piece in part.Get("single").Items())
        {
            if (piece.Find("SpecialToken") is { } special)
            {
                current.AddRange(SpecialIds(part, special.Get("id").Text(), special));
            }
            else if (piece.Get("Sequence").Get("id").Text() != "A" || current == after)
            {
                throw new InvalidInputException($"{piece.Where}: the template for one text must hold the sequence A once; correct the template.");
            }
            else
            {
                current = after;
            }
        }

        return current == after ? (before, after) : throw new InvalidInputException($"{part.Where}.single: the template has no sequence A; correct the template.");
    }

    private static List<int> SpecialIds(JsonPart part, string name, JsonPart use)
    {
        var token = part.Get("special_tokens").Find(name)
            ?? throw new InvalidInputException($"{use.Where}: the template's token '{Models.ForeignText.Clip(name)}' is not among its special_tokens; add it there.");
        return token.Get("ids").Items().Select(id => id.Id()).ToList();
    }
}
