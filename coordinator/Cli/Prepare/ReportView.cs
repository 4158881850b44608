using Orchestrator.Coordinator.Placement;
using Orchestrator.Coordinator.Preflight;
using Spectre.Console;

namespace Orchestrator.Coordinator.Cli.Prepare;

/// <summary>Shows the preflight report: coloured on a terminal, plain lines elsewhere.</summary>
internal static class ReportView
{
    public static void Write(CommandOutput output, PreflightReport report)
    {
        if (!output.ColoursResults)
        {
            Plain(output.Results, report);
            return;
        }

        var console = ColouredConsole.On(output.Results);
        foreach (var line in PreflightText.Lines(report))
        {
            console.WriteLine(line.Text, new Style(line.Severity switch { FindingSeverity.Error => Color.Red, FindingSeverity.Warning => Color.Yellow, FindingSeverity.Info => Color.Grey, _ => Color.Default }));
        }
    }

    public static void Plain(TextWriter writer, PreflightReport report)
    {
        foreach (var line in PreflightText.Lines(report)) writer.WriteLine(line.Text);
    }
}
