using Orchestrator.Coordinator.Models;

namespace Orchestrator.Coordinator.Tests.Models;

/// <summary>Python's regular expressions mean here what they mean there, or are refused.</summary>
public sealed class PythonRegexTests
{
    // Expected values are those of Python's re.fullmatch.
    [Theory]
    [InlineData(@".*\.layers\.1\..*(k_proj|down_proj)", "model.layers.1.self_attn.k_proj", true)]
    [InlineData("q_proj", "model.layers.0.self_attn.q_proj", false)]
    [InlineData("a|ab", "ab", true)]
    [InlineData("(?P<x>a)b(?P=x)", "aba", true)]
    [InlineData(@"(a)\1", "aa", true)]
    [InlineData(@"a\Z", "a", true)]
    [InlineData(@"a{,2}", "aa", true)]
    [InlineData(@"a{,2}", "aaa", false)]
    [InlineData(@"a{,}", "aaaa", true)]
    [InlineData(@"a{}", "a{}", true)]
    [InlineData(@"a{1", "a{1", true)]
    [InlineData(@"[a-z-[aeiou]]", "e]", true)]
    [InlineData(@"[]a]+", "]a", true)]
    [InlineData(@"[^]a]+", "bc", true)]
    [InlineData(@"q\_proj", "q_proj", true)]
    [InlineData(@"(?i)Q_PROJ", "q_proj", true)]
    [InlineData(@"(?i:Q)_proj", "q_proj", true)]
    [InlineData(@"(?!lm_head).*", "lm_head", false)]
    [InlineData(@"(?:.*\.)?(?<=\.)q", "x.q", true)]
    [InlineData(@"(?#which)q", "q", true)]
    [InlineData(@"a$", "a", true)]
    [InlineData(@"é\é", "éé", true)]
    public void FullMatch_LikePython(string pattern, string text, bool expected) =>
        Assert.Equal(expected, PythonRegex.IsMatch(PythonRegex.FullMatch(pattern, "test"), text, "test"));

    [Theory]
    [InlineData("[a")]
    [InlineData("(a")]
    [InlineData("a)")]
    [InlineData("*a")]
    [InlineData("a**")]
    [InlineData("a*+")]
    [InlineData(@"a\")]
    [InlineData(@"\p{L}")]
    [InlineData(@"\k<x>")]
    [InlineData(@"\G")]
    [InlineData(@"\z")]
    [InlineData(@"\012")]
    [InlineData(@"\N{DIGIT ONE}")]
    [InlineData("(?<x>a)")]
    [InlineData("(?P<1>a)")]
    [InlineData("(?x)a b")]
    [InlineData("(?a)b")]
    [InlineData("a(?i)b")]
    [InlineData("(?(1)a|b)")]
    [InlineData("(?<=a+)b")]
    [InlineData(@"(?P<x>a)(b)\2")]
    [InlineData("(?")]
    [InlineData("(?P")]
    public void FullMatch_WhatDiffersOrIsWrong_IsRefused(string pattern) =>
        Assert.StartsWith("adapter: target_modules: ", Assert.Throws<InvalidInputException>(() => PythonRegex.FullMatch(pattern, "adapter: target_modules")).Message, StringComparison.Ordinal);

    [Fact]
    public void IsMatch_CatastrophicPattern_IsRefusedInTime()
    {
        var regex = PythonRegex.FullMatch("(a*)*b", "test");

        Assert.Contains("takes too long", Assert.Throws<InvalidInputException>(() => PythonRegex.IsMatch(regex, new string('a', 60), "test")).Message, StringComparison.Ordinal);
    }
}
