using System.Text;
using System.Text.RegularExpressions;
using Orchestrator.Coordinator.Templates;
using Orchestrator.Coordinator.Tests.Fuzz;

namespace Orchestrator.Coordinator.Tests.Templates;

/// <summary>Mutated templates end in a text or in one sentence: no crash, no hang, no unbounded memory.</summary>
public sealed partial class TemplateFuzzTests
{
    /// <summary>What a rendering may allocate at most under the default limits.</summary>
    private const long MaxAllocatedBytes = 400L << 20;

    [Fact]
    public void Render_MutatedBytesOfGoldenTemplates_GivesTextOrOneSentence()
    {
        byte[][] valid = [.. TemplateFixtures.Names.Where(name => name != "syntax_error").Select(name => Encoding.UTF8.GetBytes(TemplateFixtures.Source(name)))];
        var fuzzer = new MutationFuzzer { Rounds = 700, AllocationBase = MaxAllocatedBytes };
        var result = fuzzer.Run(valid, bytes => Render(Encoding.UTF8.GetString(bytes)));
        Assert.True(result is { Accepted: > 50, Refused: > 100 }, result.ToString());
    }

    /// <summary>Pieces of golden templates, snippets and attacks in a random order, so that constructs meet which never met.</summary>
    [Fact]
    public void Render_SplicedTemplates_GivesTextOrOneSentence()
    {
        var pieces = Pieces();
        var (accepted, refused) = (0, 0);
        for (var round = 0; round < 4_000; round++)
        {
            var random = new Random(9_000 + round);
            var source = new StringBuilder();
            for (var count = random.Next(1, 12); count > 0; count--)
            {
                source.Append(pieces[random.Next(pieces.Count)]);
            }

            _ = Survives(source.ToString(), round) ? accepted++ : refused++;
        }

        Assert.True(accepted > 200 && refused > 1_000, $"{accepted} accepted, {refused} refused");
    }

    private static bool Survives(string source, int round)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var accepted = true;
        try
        {
            WithinTime(() => Render(source));
        }
        catch (InvalidInputException refusal)
        {
            Assert.EndsWith(".", refusal.Message, StringComparison.Ordinal);
            accepted = false;
        }
        catch (Exception error)
        {
            Assert.Fail($"round {round}: {source}\n{error}");
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < MaxAllocatedBytes, $"round {round}: {source}\nallocated {allocated} bytes");
        return accepted;
    }

    private static void Render(string source) => ChatTemplate.Parse(source, "template.jinja").Render(TemplateFixtures.Input("llama3", "single_answered") with
    {
        Kwargs = TemplateFixtures.Json("jinja_context.json"),
    });

    private static void WithinTime(Action action)
    {
        var start = ThreadCpuTime.Now;
        try
        {
            action();
        }
        finally
        {
            var elapsed = ThreadCpuTime.Now - start;
            Assert.True(elapsed < TimeSpan.FromSeconds(1), $"took {elapsed}");
        }
    }

    /// <summary>Whole snippets, and the tags and texts that they and the templates consist of.</summary>
    private static List<string> Pieces()
    {
        var sources = TemplateFixtures.Names.Select(TemplateFixtures.Source)
            .Concat(TemplateFixtures.Lines("jinja_cases.jsonl.gz").Concat(TemplateFixtures.Lines("jinja_hostile.jsonl.gz"))
                .Select(line => TemplateFixtures.Text(line.GetProperty("template"))).Where(text => text.Length < 400)).ToList();
        return [.. sources.Where(s => s.Length < 400), .. sources.SelectMany(s => Tag().Split(s)).Where(p => p.Length > 0)];
    }

    [GeneratedRegex(@"(?<tag>\{%.*?%\}|\{\{.*?\}\})", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex Tag();
}
