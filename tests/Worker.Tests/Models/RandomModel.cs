using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Orchestrator.Coordinator.Models;

namespace Orchestrator.Worker.Tests.Models;

/// <summary>What a random model has beyond its sizes.</summary>
/// <param name="KeyValueHeads">0: as many as there are heads.</param>
/// <param name="AttentionBias">Biases on q, k, v and o.</param>
/// <param name="MlpBias">Biases on gate, up and down.</param>
/// <param name="Spread">Weights are drawn from -Spread / 2 to Spread / 2.</param>
internal sealed record RandomTraits(int KeyValueHeads = 0, bool AttentionBias = false, bool MlpBias = false, double Spread = 0.08);

/// <summary>A Llama folder of random bf16 weights in a temporary folder, deleted with it.</summary>
internal sealed class RandomModel : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("random-model-").FullName;

    private readonly RandomTraits _traits;

    public RandomModel(int hidden, int inner, int layers, int heads, int vocabulary, RandomTraits? traits = null)
    {
        _traits = traits ?? new RandomTraits();
        var keyValueHeads = _traits.KeyValueHeads == 0 ? heads : _traits.KeyValueHeads;
        var config = new
        {
            architectures = new[] { "LlamaForCausalLM" },
            model_type = "llama",
            hidden_size = hidden,
            intermediate_size = inner,
            num_hidden_layers = layers,
            num_attention_heads = heads,
            num_key_value_heads = keyValueHeads,
            head_dim = hidden / heads,
            vocab_size = vocabulary,
            rms_norm_eps = 1e-5,
            hidden_act = "silu",
            max_position_embeddings = 4096,
            rope_theta = 10000.0,
            tie_word_embeddings = true,
            attention_bias = _traits.AttentionBias,
            mlp_bias = _traits.MlpBias,
        };
        File.WriteAllText(Path.Combine(_path, "config.json"), JsonSerializer.Serialize(config));
        WriteWeights(Shapes(hidden, hidden / heads * keyValueHeads, inner, layers, vocabulary));
        Folder = ModelFolder.Open(_path);
    }

    public ModelFolder Folder { get; }

    /// <summary>Bytes of the tensors.</summary>
    public ulong Bytes => Folder.WeightBytes;

    public void Dispose() => Directory.Delete(_path, recursive: true);

    private List<(string Name, int[] Shape)> Shapes(int hidden, int keys, int inner, int layers, int vocabulary)
    {
        var shapes = new List<(string, int[])> { ("model.embed_tokens.weight", [vocabulary, hidden]), ("model.norm.weight", [hidden]) };
        for (var i = 0; i < layers; i++)
        {
            shapes.Add(($"model.layers.{i}.input_layernorm.weight", [hidden]));
            shapes.Add(($"model.layers.{i}.post_attention_layernorm.weight", [hidden]));
            AddLinears(shapes, $"model.layers.{i}.self_attn", _traits.AttentionBias, ("q_proj", hidden, hidden), ("k_proj", keys, hidden), ("v_proj", keys, hidden), ("o_proj", hidden, hidden));
            AddLinears(shapes, $"model.layers.{i}.mlp", _traits.MlpBias, ("gate_proj", inner, hidden), ("up_proj", inner, hidden), ("down_proj", hidden, inner));
        }

        return shapes;
    }

    private static void AddLinears(List<(string Name, int[] Shape)> shapes, string parent, bool bias, params (string Name, int Rows, int Columns)[] linears)
    {
        foreach (var (name, rows, columns) in linears)
        {
            shapes.Add(($"{parent}.{name}.weight", [rows, columns]));
            if (bias)
            {
                shapes.Add(($"{parent}.{name}.bias", [rows]));
            }
        }
    }

    private void WriteWeights(List<(string Name, int[] Shape)> shapes)
    {
        var header = new Dictionary<string, object>();
        var offset = 0L;
        foreach (var (name, shape) in shapes)
        {
            var length = shape.Aggregate(2L, (a, b) => a * b);
            header.Add(name, new { dtype = "BF16", shape, data_offsets = new[] { offset, offset + length } });
            offset += length;
        }

        var json = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(header));
        using var file = File.Create(Path.Combine(_path, "model.safetensors"));
        Span<byte> size = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(size, json.Length);
        file.Write(size);
        file.Write(json);
        var random = new Random(1);
        foreach (var (name, shape) in shapes)
        {
            var bytes = new byte[shape.Aggregate(2, (a, b) => a * b)];
            for (var i = 0; i < bytes.Length; i += 2)
            {
                var value = name.EndsWith("norm.weight", StringComparison.Ordinal) ? 1f : (float)((random.NextDouble() - 0.5) * _traits.Spread);
                BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(i), (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16));
            }

            file.Write(bytes);
        }
    }
}
