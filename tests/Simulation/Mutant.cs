using System.Diagnostics;
using System.Reflection;
using System.Runtime.Loader;

namespace Orchestrator.Simulation;

/// <summary>The worker's rules, compiled from their production sources with one change, and the simulation on top of them.</summary>
internal static class Mutant
{
    // Everything of the worker that the simulation drives, and what that needs.
    private static readonly string[] Sources =
    [
        "Collectives/VoteTree.cs", "Commit/*.cs", "Runtime/WorkerFaultException.cs", "Sessions/JobFences.cs", "Sessions/OpenedWindows.cs", "Sessions/Outbox.cs",
        "Sessions/StageComparison.cs", "Stages/StepGate.cs", "Transfer/AgreementInbox.cs", "Transfer/AgreementTree.cs", "Transfer/Mailbox.cs",
    ];

    private static readonly string[] References = ["System.", "Google.Protobuf.", "Grpc.Core.Api.", "Orchestrator.Protos."];

    /// <summary>Runs seeds on the worker's rules with a change.</summary>
    /// <param name="file">The changed file, below worker/; empty: nothing is changed.</param>
    /// <param name="before">What stands there, exactly once.</param>
    /// <param name="after">What is to stand there.</param>
    /// <param name="seeds">How many seeds, at most.</param>
    /// <returns>The first violation; null: there was none.</returns>
    public static string? Run(string file, string before, string after, int seeds)
    {
        var folder = Directory.CreateTempSubdirectory("orchestrator-mutant-");
        try
        {
            var context = new MutantContext(Compile(folder.FullName, file, before, after));
            var type = context.LoadFromAssemblyPath(typeof(SimulationRuns).Assembly.Location).GetType(typeof(SimulationRuns).FullName!)!;
            using var runs = (IDisposable)Activator.CreateInstance(type)!;
            var told = (string?)type.GetMethod(nameof(SimulationRuns.Violations))!.Invoke(runs, BindingFlags.DoNotWrapExceptions, null, [seeds, 1], null);
            context.Unload();
            return told;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Compile(string folder, string file, string before, string after)
    {
        var worker = Path.Combine(SimulatedJob.Repository(), "worker");
        var files = Sources.SelectMany(source => Directory.EnumerateFiles(Path.Combine(worker, Path.GetDirectoryName(source)!), Path.GetFileName(source))).ToList();
        if (file.Length > 0)
        {
            var original = Path.Combine(worker, file);
            var text = File.ReadAllText(original);
            Assert.Equal(2, text.Split(before).Length);
            var changed = Path.Combine(folder, Path.GetFileName(file));
            File.WriteAllText(changed, text.Replace(before, after, StringComparison.Ordinal));
            Assert.True(files.Remove(original), $"{file} is none of the sources");
            files.Add(changed);
        }

        var common = Path.Combine(folder, "Common.cs");
        File.WriteAllText(
            common,
            $"""
            global using System;
            global using System.Collections.Generic;
            global using System.IO;
            global using System.Linq;
            global using System.Threading;
            global using System.Threading.Tasks;
            [assembly: System.Runtime.CompilerServices.InternalsVisibleTo("{typeof(Mutant).Assembly.GetName().Name}")]
            """);
        var assembly = Path.Combine(folder, $"{MutantContext.Worker}.dll");
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => References.Any(name => Path.GetFileName(path).StartsWith(name, StringComparison.Ordinal)));
        var response = Path.Combine(folder, "compile.rsp");
        File.WriteAllLines(
            response,
            [
                "-nologo", "-noconfig", "-nostdlib", "-target:library", "-nullable:enable", "-langversion:latest", "-optimize", $"-out:\"{assembly}\"",
                .. references.Select(path => $"-reference:\"{path}\""), $"\"{common}\"", .. files.Select(path => $"\"{path}\""),
            ]);
        using var compiler = Process.Start(new ProcessStartInfo("dotnet", ["exec", Compiler(), $"@{response}"]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        var told = compiler.StandardOutput.ReadToEnd();
        compiler.WaitForExit();
        Assert.True(compiler.ExitCode == 0, told);
        return assembly;
    }

    private static string Compiler() => typeof(Mutant).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == "Compiler").Value!;

    /// <summary>A world of its own for the changed worker and the simulation that drives it; everything else is as it is.</summary>
    private sealed class MutantContext(string worker) : AssemblyLoadContext(isCollectible: true)
    {
        public const string Worker = "orchestrator-worker";

        protected override Assembly? Load(AssemblyName assemblyName)
        {
            if (assemblyName.Name == typeof(Mutant).Assembly.GetName().Name)
                return LoadFromAssemblyPath(typeof(Mutant).Assembly.Location);
            if (assemblyName.Name != Worker)
                return null;
            using var file = File.OpenRead(worker);
            return LoadFromStream(file);
        }
    }
}
