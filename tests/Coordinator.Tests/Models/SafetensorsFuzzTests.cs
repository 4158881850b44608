using Orchestrator.Coordinator.Models;
using Orchestrator.Coordinator.Tests.Fuzz;

namespace Orchestrator.Coordinator.Tests.Models;

/// <summary>Mutated files and configurations end in acceptance or one sentence, never in anything else.</summary>
public sealed class SafetensorsFuzzTests
{
    [Fact]
    public void Parse_MutatedFiles_AcceptsOrRefusesInOneSentence()
    {
        byte[][] valid =
        [
            SafetensorsFiles.Build(SafetensorsFiles.Valid),
            File.ReadAllBytes(Fixtures.At("adapters", "llama3-list", "adapter_model.safetensors")),
        ];

        FuzzResult result = new MutationFuzzer { Rounds = 4_000 }.Run(valid, bytes =>
        {
            using var stream = new MemoryStream(bytes);
            SafetensorsParser.Parse(stream, "model.safetensors");
        });

        Assert.True(result is { Accepted: > 50, Refused: > 500 }, result.ToString());
    }

    [Fact]
    public void Read_MutatedConfig_AcceptsOrRefusesInOneSentence()
    {
        byte[][] valid =
        [
            File.ReadAllBytes(Fixtures.At("models", "llama3", "config.json")),
            File.ReadAllBytes(Fixtures.At("models", "llama3", "config.transformers4.json")),
            File.ReadAllBytes(Fixtures.At("training", "nf4-sgd-constant", "base", "config.json")),
        ];

        // Every layer and rope frequency is a fact, and a configuration may ask for 10,000 layers or a head of 65,536: hence the larger bound.
        FuzzResult result = new MutationFuzzer { Rounds = 3_000, AllocationBase = 8 << 20 }.Run(valid, bytes => ModelConfig.Read(ConfigDocument.Parse(bytes, "config.json")));

        Assert.True(result is { Accepted: > 50, Refused: > 500 }, result.ToString());
    }
}
