using System.Text;
using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Tests.Jobs;

/// <summary>No document brings the parser down or makes it slow: a short run of a fuzzer with fixed seeds. ORCHESTRATOR_FUZZ_RUNS makes it longer.</summary>
public class JobFileFuzzTests
{
    private static readonly string[] Pieces =
    [
        "model", "data", "train", "training", "adapter", "layout", "resources", "max_steps", "learning_rate", "target_modules", "rank_pattern", ": ", ":", "\n", "\n  ", "\n    ", "- ", "[", "]", "{", "}",
        ",", "'", "\"", "&a ", "*a", "!!str ", "!", "|", ">", "%YAML 1.2\n", "---\n", "...\n", "#", "\t", "\0", "\uFEFF", "\u2028", "\ud800", "1e-08", "1e999", "-0", "0x", "999999999999999999999999999999999999999999",
        "null", "~", "true", ".nan", "<<: ", "? ", "é", "😀", "\\", "\\u", "\r\n",
    ];

    [Fact]
    public void Parse_MutatedDocuments_NeverThrows()
    {
        var runs = int.TryParse(Environment.GetEnvironmentVariable("ORCHESTRATOR_FUZZ_RUNS"), out var given) ? given : 3000;
        var seeds = Directory.GetFiles(Fixtures.At("training"), "job.yaml", SearchOption.AllDirectories).Select(File.ReadAllText).ToArray();
        for (var run = 0; run < runs; run++)
        {
            var random = new Random(run);
            var text = random.Next(4) == 0 ? Invented(random) : Mutated(seeds[random.Next(seeds.Length)], random);
            var result = JobFile.Parse(text, "job.yaml", "/base", random.Next(5) == 0 ? [Invented(random)] : [], "/cwd");
            Assert.True((result.Spec is null) == (result.Errors.Count > 0), $"seed {run}");
            Assert.All(result.Errors, error => Assert.DoesNotContain('\n', error.AsSpan(error.IndexOf(':', StringComparison.Ordinal) + 1).ToString()));
            if (result.Spec is { } spec)
            {
                Assert.Equal(spec, JobFile.Parse(result.ResolvedYaml, "again.yaml", "/", [], "/").Spec);
            }
        }
    }

    [Theory]
    [InlineData("[", 100_000)]
    [InlineData("{a: ", 50_000)]
    [InlineData("- ", 100_000)]
    [InlineData("? ", 100_000)]
    [InlineData("a: ", 60_000)]
    [InlineData("x ", 120_000)]
    [InlineData("a: 1\n", 40_000)]
    [InlineData("- 1\n", 50_000)]
    [InlineData("'", 200_000)]
    [InlineData("x", 10_000_000)]
    public void Parse_HostileDocument_EndsSoonWithASentence(string piece, int count)
    {
        var start = ThreadCpuTime.Now;
        var result = JobFile.Parse(new StringBuilder().Insert(0, piece, count).ToString(), "job.yaml", "/base", [], "/cwd");
        Assert.Null(result.Spec);
        Assert.NotEmpty(result.Errors);
        Assert.True(result.Errors.Count <= 101);
        var elapsed = ThreadCpuTime.Now - start;
        Assert.True(elapsed < TimeSpan.FromSeconds(10), $"{elapsed}");
    }

    private static string Invented(Random random)
    {
        var text = new StringBuilder();
        for (var i = random.Next(40); i >= 0; i--)
        {
            text.Append(Pieces[random.Next(Pieces.Length)]);
        }

        return text.ToString();
    }

    private static string Mutated(string seed, Random random)
    {
        var text = new StringBuilder(seed);
        for (var i = random.Next(4); i >= 0; i--)
        {
            var at = random.Next(text.Length);
            switch (random.Next(4))
            {
                case 0:
                    text.Remove(at, Math.Min(random.Next(1, 20), text.Length - at));
                    break;
                case 1:
                    text[at] = (char)random.Next(1, 0x300);
                    break;
                default:
                    text.Insert(at, Pieces[random.Next(Pieces.Length)]);
                    break;
            }

            if (text.Length == 0)
            {
                break;
            }
        }

        return text.ToString();
    }
}
