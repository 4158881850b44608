using Mono.Cecil;

namespace Orchestrator.Worker.Tests.Architecture;

/// <summary>Folders are capabilities that depend on each other without circles; libtorch stays in the worker.</summary>
public sealed class FolderTests
{
    [Theory]
    [InlineData("Orchestrator.Protos.dll")]
    [InlineData("orchestrator.dll")]
    [InlineData("orchestrator-worker.dll")]
    public void Folders_DependOnEachOther_WithoutCircles(string assembly)
    {
        var graph = Dependencies(assembly);
        var circle = FindCircle(graph);
        Assert.True(circle is null, $"{assembly}: {string.Join(" -> ", circle ?? [])}");
    }

    [Fact]
    public void Coordinator_References_NoTorchAndNoWorker()
    {
        using var module = Read("orchestrator.dll");
        Assert.DoesNotContain(module.AssemblyReferences, r => r.Name is "TorchSharp" or "orchestrator-worker");
        using var protos = Read("Orchestrator.Protos.dll");
        Assert.DoesNotContain(protos.AssemblyReferences, r => r.Name is "TorchSharp" || r.Name.StartsWith("Akka", StringComparison.Ordinal));
    }

    /// <summary>No tensor passes through a coordinator: it knows neither frames nor the services that carry them.</summary>
    [Fact]
    public void Coordinator_Knows_NoTensorFramesAndNoPeerServices()
    {
        using var module = Read("orchestrator.dll");
        Assert.DoesNotContain(module.GetTypeReferences(), type => type.Name is "TensorFrame" || type.FullName.Contains("TensorTransfer", StringComparison.Ordinal)
            || type.FullName.Contains("StepAgreement", StringComparison.Ordinal) || type.FullName.Contains("BaseWeights", StringComparison.Ordinal));
        using var worker = Read("orchestrator-worker.dll");
        Assert.Contains(worker.GetTypes(), type => type.FullName.Contains("TensorTransfer", StringComparison.Ordinal));
    }

    [Fact]
    public void Worker_References_NoAkkaAndNoCoordinator()
    {
        using var module = Read("orchestrator-worker.dll");
        Assert.DoesNotContain(module.AssemblyReferences, r => r.Name is "orchestrator" || r.Name.StartsWith("Akka", StringComparison.Ordinal));
    }

    [Fact]
    public void FindCircle_OnACircle_NamesIt()
    {
        var graph = new SortedDictionary<string, SortedSet<string>>(StringComparer.Ordinal)
        {
            ["a"] = ["b"],
            ["b"] = ["c"],
            ["c"] = ["a"],
        };
        Assert.NotNull(FindCircle(graph));
    }

    private static ModuleDefinition Read(string assembly) =>
        ModuleDefinition.ReadModule(Path.Combine(AppContext.BaseDirectory, assembly));

    /// <summary>Edges between the folders (second part of the namespace below the assembly's root) of one assembly.</summary>
    private static SortedDictionary<string, SortedSet<string>> Dependencies(string assembly)
    {
        using var module = Read(assembly);
        var graph = new SortedDictionary<string, SortedSet<string>>(StringComparer.Ordinal);
        foreach (var type in module.GetTypes())
        {
            var from = Folder(type);
            if (from is null)
            {
                continue;
            }

            foreach (var to in Uses(type).Select(Folder).OfType<string>().Where(to => to != from))
            {
                (graph.TryGetValue(from, out var set) ? set : graph[from] = new SortedSet<string>(StringComparer.Ordinal)).Add(to);
            }
        }

        return graph;
    }

    private static string? Folder(TypeReference type)
    {
        while (type.DeclaringType is { } outer)
        {
            type = outer;
        }

        var parts = type.Namespace.Split('.');
        return parts is ["Orchestrator", "Coordinator" or "Worker" or "Protos", var folder, ..] ? $"{parts[1]}.{folder}" : null;
    }

    private static IEnumerable<TypeReference> Uses(TypeDefinition type)
    {
        IEnumerable<TypeReference?> direct = [type.BaseType, .. type.Interfaces.Select(i => i.InterfaceType), .. type.Fields.Select(f => f.FieldType)];
        var signatures = type.Methods.SelectMany(m => m.Parameters.Select(p => p.ParameterType).Append(m.ReturnType));
        var bodies = type.Methods.Where(m => m.HasBody).SelectMany(m => m.Body.Instructions).SelectMany(i => i.Operand switch
        {
            MethodReference m => new[] { m.DeclaringType, m.ReturnType },
            FieldReference f => [f.DeclaringType, f.FieldType],
            TypeReference t => [t],
            _ => [],
        });
        return direct.Concat(signatures).Concat(bodies).OfType<TypeReference>().SelectMany(Parts);
    }

    private static IEnumerable<TypeReference> Parts(TypeReference type) => type switch
    {
        GenericInstanceType g => g.GenericArguments.SelectMany(Parts).Append(g.ElementType),
        TypeSpecification s => Parts(s.ElementType),
        _ => [type],
    };

    private static List<string>? FindCircle(SortedDictionary<string, SortedSet<string>> graph)
    {
        var done = new HashSet<string>(StringComparer.Ordinal);
        foreach (var start in graph.Keys)
        {
            if (Visit(start, []) is { } circle)
            {
                return circle;
            }
        }

        return null;

        List<string>? Visit(string node, List<string> path)
        {
            var at = path.IndexOf(node);
            if (at >= 0)
            {
                return [.. path[at..], node];
            }

            if (!done.Contains(node) && graph.TryGetValue(node, out var next))
            {
                foreach (var n in next)
                {
                    if (Visit(n, [.. path, node]) is { } circle)
                    {
                        return circle;
                    }
                }
            }

            done.Add(node);
            return null;
        }
    }
}
