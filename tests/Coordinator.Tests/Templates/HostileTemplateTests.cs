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
