using Orchestrator.Worker.Tests.Models;

namespace Orchestrator.Worker.Tests.Generation;

/// <summary>Generation with kept keys and values: the reference's tokens, and those of a model that reads everything again for each token.</summary>
public sealed class CachedGenerationTests
{
    private const int NewTokens = 32;

    [Theory]
    [InlineData("llama")]
    [InlineData("llama3")]
    [InlineData("tinyllama-linear")]
    public void Greedy_OfTheReference_IsTheReferences(string model)
    {
        var expected = GoldenFiles.Expected("models", model);
        var (prompt, all) = (GoldenFiles.Integers(expected, "input_ids_0"), GoldenFiles.Integers(expected, "greedy_0"));
        using var stage = new LoadedStage(GoldenFiles.Stage(GoldenFiles.Model(model), Weights.Sixteen));
        Assert.Equal(all[prompt.Length..], AnswerRun.Alone(stage.Model, AnswerRun.Request(1, prompt, all.Length - prompt.Length)).Tokens);
    }

    [Theory]
    [InlineData("llama", Weights.Sixteen, 0u)]
    [InlineData("llama3", Weights.Nf4Double, 0u)]
    [InlineData("llama3", Weights.Sixteen, 7u)]
    [InlineData("tinyllama-linear", Weights.Nf4, 0u)]
    public void Greedy_WithTheCache_EqualsReadingEverythingAgain(string model, Weights weights, uint window)
    {
        var spec = GoldenFiles.Stage(GoldenFiles.Model(model), weights);
        spec.Model = spec.Model.Clone();
        spec.Model.AttentionWindows.Clear();
        spec.Model.AttentionWindows.Add(Enumerable.Repeat(window, (int)spec.Model.NumLayers));
        using var stage = new LoadedStage(spec);
        int[] prompt = GoldenFiles.Integers(GoldenFiles.Expected("models", model), "input_ids_1");
        Assert.Equal(WithoutCache(stage, prompt), AnswerRun.Alone(stage.Model, AnswerRun.Request(1, prompt, NewTokens)).Tokens);
    }

    [Fact]
    public void Greedy_WithAnAdapter_EqualsReadingEverythingAgain()
    {
        var folder = GoldenFiles.Model("llama3");
        using var stage = new LoadedStage(GoldenFiles.Stage(folder, Weights.Nf4Double, GoldenFiles.Adapter("llama3-all-linear").Bind(folder.Spec)));
        using var bare = new LoadedStage(GoldenFiles.Stage(folder, Weights.Nf4Double));
        int[] prompt = GoldenFiles.Integers(GoldenFiles.Expected("models", "llama3"), "input_ids_0");
        var answer = AnswerRun.Alone(stage.Model, AnswerRun.Request(1, prompt, NewTokens)).Tokens;
        Assert.Equal(WithoutCache(stage, prompt), answer);
        Assert.NotEqual(answer, AnswerRun.Alone(bare.Model, AnswerRun.Request(1, prompt, NewTokens)).Tokens);
    }

    /// <summary>Heads of a width that one attention does not take are taken apart before their backward: not where attention is to look at kept keys.</summary>
    [Fact]
    public void Greedy_WithHeadsThatTheVectorAttentionDoesNotFit_EqualsReadingEverythingAgain()
    {
        using var model = new RandomModel(hidden: 40, inner: 64, layers: 2, heads: 2, vocabulary: 300);
        using var stage = new LoadedStage(GoldenFiles.Stage(model.Folder, Weights.Sixteen));
        int[] prompt = [.. Enumerable.Range(0, 19).Select(i => (i * 7919) % 300)];
        Assert.Equal(WithoutCache(stage, prompt), AnswerRun.Alone(stage.Model, AnswerRun.Request(1, prompt, NewTokens)).Tokens);
    }

    /// <summary>A prompt of several chunks, whose attention is cut into blocks too.</summary>
    [Fact]
    public void Greedy_AfterALongPrompt_EqualsReadingEverythingAgain()
    {
        // With small weights the tied head gives the last token again, whatever attention says.
        using var model = new RandomModel(hidden: 32, inner: 64, layers: 2, heads: 2, vocabulary: 300, new RandomTraits(Spread: 1.5));
        using var stage = new LoadedStage(GoldenFiles.Stage(model.Folder, Weights.Sixteen, attentionBlock: 512));
        int[] prompt = [.. Enumerable.Range(0, 2_049).Select(i => (i * 7919) % 300)];
        var answer = AnswerRun.Alone(stage.Model, AnswerRun.Request(1, prompt, 3)).Tokens;
        Assert.Equal(WithoutCache(stage, prompt, 3), answer);
        Assert.DoesNotContain(prompt[^1], answer);
    }

    private static int[] WithoutCache(LoadedStage stage, int[] prompt, int newTokens = NewTokens)
    {
        List<int> all = [.. prompt];
        for (var i = 0; i < newTokens; i++)
        {
            int[] ids = [.. all];
            var logits = stage.Logits(new([0], [ids.Length], ids, ids, packed: true));
            var last = logits[^(logits.Length / ids.Length)..];
            all.Add(Array.IndexOf(last, last.Max()));
        }

        return [.. all.Skip(prompt.Length)];
    }
}
