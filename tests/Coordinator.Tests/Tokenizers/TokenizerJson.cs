using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Tests.Tokenizers;

/// <summary>A small tokenizer.json that a test bends: every byte as a token, and merges as given.</summary>
internal sealed class TokenizerJson
{
    public TokenizerJson(params (string Left, string Right)[] merges)
    {
        var vocab = new JsonObject();
        for (int value = 0; value < 256; value++)
        {
            vocab.Add(ByteAlphabet.Character((byte)value).ToString(), value);
        }

        foreach (var (left, right) in merges)
        {
            vocab.TryAdd(left + right, vocab.Count);
        }

        Root = new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray(),
            ["normalizer"] = null,
            ["pre_tokenizer"] = JsonNode.Parse("""{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}"""),
            ["post_processor"] = null,
            ["decoder"] = JsonNode.Parse("""{"type": "ByteLevel"}"""),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = vocab,
                ["merges"] = new JsonArray([.. merges.Select(merge => JsonValue.Create($"{merge.Left} {merge.Right}"))]),
            },
        };
    }

    public JsonObject Root { get; }

    public JsonObject Model => Root["model"]!.AsObject();

    public TokenizerJson With(string key, string json)
    {
        Root[key] = JsonNode.Parse(json);
        return this;
    }

    public TokenizerJson WithModel(string key, string json)
    {
        Model[key] = JsonNode.Parse(json);
        return this;
    }

    public TokenizerJson Add(string content, bool singleWord = false, bool lstrip = false, bool rstrip = false, bool normalized = false, bool special = false)
    {
        Root["added_tokens"]!.AsArray().Add(new JsonObject
        {
            ["id"] = 0,
            ["content"] = content,
            ["single_word"] = singleWord,
            ["lstrip"] = lstrip,
            ["rstrip"] = rstrip,
            ["normalized"] = normalized,
            ["special"] = special,
        });
        return this;
    }

    public byte[] Bytes() => System.Text.Encoding.UTF8.GetBytes(Root.ToJsonString());

    public Tokenizer Build() => Tokenizer.Parse(Bytes(), "tokenizer.json");
}
