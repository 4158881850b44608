using System.CommandLine;
using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Cli;

/// <summary><c>--clock</c>: the moment that strftime_now tells, by its own name in whatever is wrong with it.</summary>
internal static class ClockOption
{
    private const string Name = "--clock";

    /// <param name="otherwise">What is said of it beside what it is.</param>
    public static Option<string?> Create(string otherwise)
    {
        var option = new Option<string?>(Name) { Description = $"The moment that strftime_now in the chat template tells (ISO 8601){otherwise}" };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var given] && !ClockText.TryParse(given.Value, out _))
            {
                result.AddError($"{Name} {Sentence.Quote(given.Value)} is no time; give {ClockText.Expected}.");
            }
        });
        return option;
    }
}
