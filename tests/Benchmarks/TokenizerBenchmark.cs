using System.Diagnostics;
using System.Text;
using Orchestrator.Coordinator.Tokenizers;
using Orchestrator.Chaos;

namespace Orchestrator.Benchmarks;

/// <summary>Tokens a second on prose, by one thread and by all, and the time a byte of words without end.</summary>
/// <remarks>
/// The tokenizers are the small ones of the fixtures, so a word has more tokens than with a published vocabulary; bytes a second are printed for that reason.
/// </remarks>
internal static class TokenizerBenchmark
{
    private const int Documents = 2_000;
    private const int Rounds = 5;
    private const int WordBytes = 4_000_000;

    private static readonly string[] Folders = ["gpt2", "llama3", "qwen2", "o200k", "deepseek"];
    private static readonly int[] WordLengths = [10_000, 100_000, 1_000_000];

    public static void Run(BenchmarkOptions options)
    {
        int threads = options.Threads ?? Environment.ProcessorCount;
        var prose = Prose();
        Console.WriteLine($"tokenizer threads={threads} documents={prose.Count} bytes={prose.Sum(Encoding.UTF8.GetByteCount)}");
        foreach (string folder in Folders)
        {
            var tokenizer = Tokenizer.Open(Repository.Fixture("tokenizers", folder));
            var (one, bytesByOne) = Best(tokenizer, prose, 1);
            var (all, bytesByAll) = Best(tokenizer, prose, threads);
            Console.WriteLine($"  {folder,-9} prose: {one / 1e6:F2} M tokens/s ({bytesByOne / 1e6:F0} MB/s) on 1 thread, {all / 1e6:F2} M tokens/s ({bytesByAll / 1e6:F0} MB/s) on {threads}");
            Console.WriteLine($"  {folder,-9} one word, ns of processor a byte: {string.Join(", ", WordLengths.Select(length => $"{length} bytes {Word(tokenizer, length):F0}"))}");
        }
    }

    private static (double Tokens, double Bytes) Best(Tokenizer tokenizer, List<string> documents, int threads)
    {
        double best = double.MaxValue;
        long tokens = 0;
        for (int round = 0; round < Rounds; round++)
        {
            tokens = 0;
            var watch = Stopwatch.StartNew();
            Parallel.ForEach(documents, new ParallelOptions { MaxDegreeOfParallelism = threads }, () => 0L,
                (document, _, sum) => sum + tokenizer.Encode(document, addSpecialTokens: true).Ids.Length, sum => Interlocked.Add(ref tokens, sum));
            best = Math.Min(best, watch.Elapsed.TotalSeconds);
        }

        return (tokens / best, documents.Sum(Encoding.UTF8.GetByteCount) / best);
    }

    // Letters without a space: one piece, so all of it goes through the merges at once. Processor time, since a long run is interrupted more than a short one.
    private static double Word(Tokenizer tokenizer, int length)
    {
        var random = new Random(1);
        string word = string.Create(length, random, (span, source) =>
        {
            for (int i = 0; i < span.Length; i++)
            {
                span[i] = "etaoinshr"[source.Next(9)];
            }
        });
        tokenizer.Encode(word, addSpecialTokens: false);
        int rounds = WordBytes / length;
        var before = Environment.CpuUsage.TotalTime;
        for (int round = 0; round < rounds; round++)
        {
            tokenizer.Encode(word, addSpecialTokens: false);
        }

        return (Environment.CpuUsage.TotalTime - before).TotalNanoseconds / ((double)rounds * length);
    }

    // Sentences of some twenty thousand different words, drawn so that few words are frequent and many are rare, as in any text.
    private static List<string> Prose()
    {
        var random = new Random(20_260);
        string[] syllables = ["the", "an", "re", "to", "ing", "or", "der", "con", "ment", "ser", "vi", "tion", "al", "per", "com", "ar", "es", "in", "lo", "ter"];
        var words = Enumerable.Range(0, 20_000).Select(i => string.Concat(Enumerable.Range(0, 1 + (int)Math.Log10(i + 1)).Select(_ => syllables[random.Next(syllables.Length)]))).ToArray();
        return [.. Enumerable.Range(0, Documents).Select(_ => Document(words, random))];
    }

    private static string Document(string[] words, Random random)
    {
        var text = new StringBuilder();
        for (int sentence = random.Next(20, 80); sentence > 0; sentence--)
        {
            int count = random.Next(4, 25);
            for (int i = 0; i < count; i++)
            {
                string word = words[(int)Math.Pow(words.Length, random.NextDouble()) - 1];
                text.Append(i == 0 ? char.ToUpperInvariant(word[0]) + word[1..] : word).Append(i == count - 1 ? ". " : random.Next(12) == 0 ? ", " : " ");
            }

            text.Append(random.Next(6) == 0 ? $"It's {random.Next(10_000)}!\n\n" : "");
        }

        return text.ToString();
    }
}
