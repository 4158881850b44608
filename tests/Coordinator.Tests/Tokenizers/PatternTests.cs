using System.Text;
using System.Text.RegularExpressions;
using Orchestrator.Coordinator.Tokenizers.Patterns;

namespace Orchestrator.Coordinator.Tests.Tokenizers;

/// <summary>The pattern engine beyond the published patterns.</summary>
public sealed class PatternTests
{
    [Theory]
    [InlineData("a+?b|c", "aabcac", "aab|c|c")]
    [InlineData("(?>a+)ab|a", "aaab", "a|a|a")]
    [InlineData("a++b|.", "aab", "aab")]
    [InlineData("[0-9]{1,3}+", "12345678", "12345678")]
    [InlineData("[0-9]{1,3}", "12345678", "123|456|78")]
    [InlineData("(?:[0-9]{3})++", "12345678", "123456")]
    [InlineData("a{2}", "aaaaa", "aa|aa")]
    [InlineData("a{,2}b", "aaab", "aab")]
    [InlineData("a{x}", "a{x}", "a{x}")]
    [InlineData("(?<=a)b|(?<!a)c", "abcb acc", "b|c|c")]
    [InlineData("(?<=ab|c)d", "abd cd bd", "d|d")]
    [InlineData("a(?!b)", "abac", "a")]
    [InlineData("^a|b$", "a\nab\nb", "a|a|b|b")]
    [InlineData(@"\Aa|b\z", "aba\nb", "a|b")]
    [InlineData(@"\bab\b", "ab cab ab", "ab|ab")]
    [InlineData("[a-c&&[^b]]+", "abcab", "a|ca")]
    [InlineData("[^a-c]+", "axyb", "xy")]
    [InlineData(@"[\d\-x]+", "1-x y", "1-x")]
    [InlineData("[-a]+|[b-]", "a-ab", "a-a|b")]
    [InlineData(@"\p{^L}+|\P{Lu}", "aB1", "a|1")]
    [InlineData(@"\x41\u0042\x{1F600}", "AB😀", "AB😀")]
    [InlineData("(?i)x(?-i)y", "XyXY", "Xy")]
    [InlineData("(?i:k)s", "\u212As", "\u212As")]
    [InlineData("(a*)*b", "aab", "aab")]
    [InlineData("(?:a?){3}b", "aab", "aab")]
    [InlineData("(?:a|(?:))+c", "aac", "aac")]
    [InlineData(@"\s+(?!\S)|\s+", "a   b", "  | ")]
    public void FindAll_GivesWhatOnigurumaGives(string pattern, string text, string expected)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        var matches = new List<(int Start, int End)>();
        new PatternMatcher().FindAll(PatternProgram.Compile(pattern, "test"), bytes, matches);

        Assert.Equal(expected, string.Join('|', matches.Select(match => Encoding.UTF8.GetString(bytes[match.Start..match.End]))));
    }

    [Theory]
    [InlineData(@"(a)\1", @"'\1'")]
    [InlineData(@"\p{Han}", @"\p{Han}")]
    [InlineData(@"\p{L", @"'\p'")]
    [InlineData("(?i:ss)", "'ss'")]
    [InlineData("(?i:é)", "above ASCII")]
    [InlineData(@"(?i:\p{Lu})", "where case is ignored")]
    [InlineData("(?i:[a-z&&b-d])", "an intersection where case is ignored")]
    [InlineData("a*****", "more than 4 quantifiers in a row")]
    [InlineData("(?<name>a)", "this kind of group")]
    [InlineData("(?m:.)", "this kind of group")]
    [InlineData("a(b", "never closed")]
    [InlineData("a)b", "closing parenthesis")]
    [InlineData("[a", "never closed")]
    [InlineData("[[:alpha:]]", "POSIX")]
    [InlineData("*a", "nothing to repeat")]
    [InlineData("a{2}?", "'{n}?'")]
    [InlineData("a{3,2}", "bounds swapped")]
    [InlineData("(?<=a*)b", "no fixed length")]
    [InlineData("((((a{99}){99}){99}){99})", "too large")]
    [InlineData("(?:(?:){99999}){99999}", "too large")]
    [InlineData(@"\Kb", @"'\K'")]
    public void Compile_WhatIsNotSupported_IsRefusedByName(string pattern, string expected)
    {
        var refusal = Assert.Throws<InvalidInputException>(() => PatternProgram.Compile(pattern, "test"));
        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>Seeded patterns over a small alphabet, where the runtime's own engine means the same: every match alike. Small, since that engine has no bound on steps.</summary>
    [Fact]
    public void FindAll_RandomPatterns_AgreesWithAnIndependentEngine()
    {
        var matcher = new PatternMatcher();
        int found = 0;
        for (int seed = 0; seed < 2_000; seed++)
        {
            var random = new Random(seed);
            string pattern = RandomPattern(random, random.Next(1, 3));
            string text = string.Concat(Enumerable.Range(0, random.Next(0, 14)).Select(_ => "abc \n"[random.Next(5)]));
            var matches = new List<(int Start, int End)>();
            matcher.FindAll(PatternProgram.Compile(pattern, "test"), Encoding.ASCII.GetBytes(text), matches);
            var actual = matches.Where(match => match.End > match.Start).ToList();
            var expected = Regex.Matches(text, pattern, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(10)).Where(match => match.Length > 0).Select(match => (match.Index, match.Index + match.Length)).ToList();
            found += expected.Count;
            Assert.True(expected.SequenceEqual(actual), $"seed {seed}: {pattern} on '{text}': {string.Join(' ', actual)}, not {string.Join(' ', expected)}");
        }

        Assert.True(found > 2_000, $"{found} matches");
    }

    private static string RandomPattern(Random random, int depth)
    {
        if (depth == 0)
        {
            return ((string[])["a", "b", "c", "[ab]", "[^a]", @"\s", @"\S", "(?!a)[bc ]", "(?=b).", "(?<=a)[^c]", "(?<!b)a"])[random.Next(11)];
        }

        string left = RandomPattern(random, depth - 1);
        string right = RandomPattern(random, depth - 1);
        string quantifier = ((string[])["*", "+", "?", "*?", "+?", "??", "{1,2}", "{2}", "{1,}"])[random.Next(9)];
        return random.Next(5) switch
        {
            0 => $"(?:{left}|{right})",
            1 => $"(?:{left}){quantifier}{right}",
            2 => $"(?>{left}){right}",
            3 => $"(?:{left}|{right}){quantifier}",
            _ => left + right,
        };
    }
}
