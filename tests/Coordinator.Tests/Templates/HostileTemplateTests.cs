using System.Text.Json;
using Orchestrator.Coordinator.Templates;

namespace Orchestrator.Coordinator.Tests.Templates;

/// <summary>What attacks the sandbox, the clock or the memory ends as in jinja2, or with a clear error at once where jinja2 has no bound.</summary>
public sealed class HostileTemplateTests
{
    private const long MaxAllocatedBytes = 400L << 20;

    [Fact]
    public void Hostile_EndsAsInJinja_InBoundedTimeAndMemory()
    {
        var context = TemplateFixtures.Json("jinja_context.json");
        var wrong = new List<string>();
        var cases = TemplateFixtures.Lines("jinja_hostile.jsonl.gz");
        foreach (var hostile in cases)
        {
            var source = TemplateFixtures.Text(hostile.GetProperty("template"));
            var start = ThreadCpuTime.Now;
            var before = GC.GetAllocatedBytesForCurrentThread();
            var problem = Problem(source, hostile, context);
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            var elapsed = ThreadCpuTime.Now - start;
            if (problem is not null || elapsed > TimeSpan.FromSeconds(1) || allocated > MaxAllocatedBytes)
            {
                wrong.Add($"{source[..Math.Min(source.Length, 200)]}\n  {problem} ({elapsed.TotalSeconds:f2} s, {allocated >> 20} MiB)");
            }
        }

        Assert.True(wrong.Count == 0, $"{wrong.Count} of {cases.Count} are wrong:\n{string.Join('\n', wrong)}");
        Assert.Equal(110, cases.Count);
    }

    /// <summary>What a rule of jinja2 reads or makes in more than linear time, and long texts that are read again and again.</summary>
    [Theory]
    [InlineData("{{ ('a' * 1000000) | wordwrap(1) | length }}")]
    [InlineData("{{ '{:06000,}'.format(1) | length }}")]
    [InlineData("{{ '{:0900000,}'.format(1) | length }}")]
    [InlineData("{% set a = 2 ** 30000 %}{% set b = a * a * a * a %}{% for i in range(20) %}{{ '{:_b}'.format(b) | length }}{% endfor %}")]
    [InlineData("{{ ('%' ~ '0' * 1000000 ~ 'd') % 1 }}")]
    [InlineData("{% set a = ' ' * 10000000 %}{% for i in range(100000) %}{{ a | wordcount }}{% endfor %}")]
    [InlineData("{% set a = 'a' * 10000000 %}{% for i in range(100000) %}{{ a is lower }}{% endfor %}")]
    [InlineData("{% set a = 'A' * 10000000 %}{% for i in range(100000) %}{{ a is upper }}{% endfor %}")]
    [InlineData("{% set a = ' ' * 10000000 %}{% for i in range(100000) %}{{ a.strip() }}{% endfor %}")]
    [InlineData("{% set a = ' ' * 10000000 %}{% for i in range(100000) %}{{ a | trim }}{% endfor %}")]
    [InlineData("{% set a = 'a' * 10000000 %}{% for i in range(100000) %}{{ a.startswith(a) }}{% endfor %}")]
    [InlineData("{% set a = '1' * 10000000 %}{% for i in range(100000) %}{{ a | float }}{% endfor %}")]
    [InlineData("{% set a = 'x' * 10000000 %}{% for i in range(100000) %}{{ a | int }}{% endfor %}")]
    [InlineData("{% for i in range(100000) %}{{ 5 | round(-100000) }}{% endfor %}")]
    [InlineData("{% set d = {} %}{% set k = 'a' * 10000000 %}{% for i in range(100000) %}{{ d.get(k) }}{% endfor %}")]
    public void Hostile_ReadsLongTexts_PaysForThem(string source)
    {
        var start = ThreadCpuTime.Now;
        try
        {
            _ = ChatTemplate.Parse(source, "hostile").Render(TemplateFixtures.Json("jinja_context.json"), TemplateFixtures.Clock).Text;
        }
        catch (TemplateException refused)
        {
            Assert.Equal(TemplateErrorKind.Limit, refused.Kind);
        }

        var elapsed = ThreadCpuTime.Now - start;
        Assert.True(elapsed < TimeSpan.FromSeconds(1), $"it took {elapsed.TotalSeconds:f2} s");
    }

    [Theory]
    [InlineData("{{ '{:010,}'.format(1234) }}", "00,001,234")]
    [InlineData("{{ '{:08,}'.format(1234) }}", "0,001,234")]
    [InlineData("{{ '{:07,}'.format(1234) }}", "001,234")]
    [InlineData("{{ '{:012_x}'.format(48879) }}", "00_0000_beef")]
    [InlineData("{{ '{:011_b}'.format(5) }}", "0_0000_0101")]
    [InlineData("{{ '{:+013,.2f}'.format(1234.5) }}", "+0,001,234.50")]
    public void Format_ZerosThatFillUp_AreGroupedAndNeverBeginWithASeparator(string source, string expected) =>
        Assert.Equal(expected, ChatTemplate.Parse(source, "format").Render(TemplateFixtures.Json("jinja_context.json"), TemplateFixtures.Clock).Text);

    /// <summary>What is wrong about the outcome, or null.</summary>
    private static string? Problem(string source, JsonElement hostile, JsonElement context)
    {
        var bounded = hostile.GetProperty("kind").GetString() is "memory" or "time" or "depth";
        try
        {
            var text = ChatTemplate.Parse(source, "hostile").Render(context, TemplateFixtures.Clock).Text;
            return hostile.TryGetProperty("expected", out var expected) && TemplateFixtures.Text(expected) == text ? null
                : $"gave {text[..Math.Min(text.Length, 100)]}, want {Wanted(hostile)}";
        }
        catch (TemplateException e)
        {
            if (hostile.TryGetProperty("error", out var error))
            {
                return bounded || error.GetProperty("message").GetString() == e.Reason ? null : $"threw {e.Reason}, want {Wanted(hostile)}";
            }

            return bounded && e.Kind is TemplateErrorKind.Limit or TemplateErrorKind.Unsupported ? null : $"threw {e.Kind} {e.Reason}, want {Wanted(hostile)}";
        }
    }

    private static string Wanted(JsonElement hostile)
    {
        var wanted = string.Join(' ', hostile.EnumerateObject().Where(p => p.Name is not ("template" or "kind")).Select(p => p.Value.GetRawText()));
        return wanted[..Math.Min(wanted.Length, 200)];
    }
}
