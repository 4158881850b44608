using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Orchestrator.Worker.Tests.Architecture;

/// <summary>The remote calls of an assembly, and which of them run outside of a resilience pipeline.</summary>
/// <remarks>
/// A remote call is one of a method of a generated gRPC client, or of a call invoker. It runs inside a pipeline where the code that makes it is handed, as
/// a delegate, to a pipeline's Execute, or to a method that hands such delegates on to one; or where everything that calls this code does. What the
/// compiler makes of a method (its state machine, its lambdas) counts as that method's.
/// </remarks>
internal sealed class RemoteCalls : IDisposable
{
    private readonly DefaultAssemblyResolver _resolver = new();
    private readonly ModuleDefinition _module;
    private readonly Dictionary<TypeDefinition, MethodDefinition> _startedBy = [];
    private readonly Dictionary<MethodDefinition, List<(OpCode Code, MethodReference Target)>> _uses = [];
    private readonly ILookup<MethodDefinition, (MethodDefinition User, bool AsDelegate)> _users;

    public RemoteCalls(string file, Func<TypeDefinition, bool>? which = null)
    {
        _resolver.AddSearchDirectory(AppContext.BaseDirectory);
        _module = ModuleDefinition.ReadModule(file, new ReaderParameters { AssemblyResolver = _resolver });
        var methods = _module.GetTypes().Where(type => which is null || which(Outermost(type))).SelectMany(type => type.Methods).Where(method => method.HasBody).ToList();
        foreach (var method in methods)
        {
            foreach (var machine in method.CustomAttributes.Where(a => a.AttributeType.Name.EndsWith("StateMachineAttribute", StringComparison.Ordinal)))
                _startedBy[((TypeReference)machine.ConstructorArguments[0].Value).Resolve()] = method;
        }

        foreach (var method in methods)
        {
            var owner = OwnerOf(method);
            if (!_uses.TryGetValue(owner, out var uses))
                _uses[owner] = uses = [];
            uses.AddRange(method.Body.Instructions.Where(i => i.Operand is MethodReference).Select(i => (i.OpCode, (MethodReference)i.Operand)));
        }

        _users = _uses.SelectMany(pair => pair.Value.Select(use => (Target: Own(use.Target), User: pair.Key, AsDelegate: IsDelegate(use.Code))))
            .Where(use => use.Target is not null).ToLookup(use => OwnerOf(use.Target!), use => (use.User, use.AsDelegate));
    }

    /// <summary>Every remote call: the code that makes it and what it calls.</summary>
    public IEnumerable<(MethodDefinition Caller, MethodReference Called)> All() =>
        _uses.SelectMany(pair => pair.Value.Where(use => IsRemote(use.Target)).Select(use => (pair.Key, use.Target)));

    /// <summary>Those outside of a pipeline.</summary>
    public IReadOnlyList<string> Unprotected() =>
        [.. All().Where(call => !RunsInside(call.Caller, [])).Select(call => $"{call.Caller.DeclaringType.FullName}.{call.Caller.Name} calls {call.Called.DeclaringType.Name}.{call.Called.Name}")];

    /// <summary>Pipelines that are not made of the table of RPC policies.</summary>
    public IReadOnlyList<string> PipelinesOfTheirOwn() =>
        [.. _uses.Where(pair => pair.Value.Any(use => IsPollys(use.Target, "ResiliencePipelineBuilder") || use.Target.Name == "get_Empty" && IsPollys(use.Target, "ResiliencePipeline"))).Select(pair => pair.Key.FullName)];

    public void Dispose()
    {
        _module.Dispose();
        _resolver.Dispose();
    }

    // Methods on the way are taken for protected: a circle of calls is entered from somewhere, and that decides.
    private bool RunsInside(MethodDefinition method, HashSet<MethodDefinition> onTheWay)
    {
        if (!onTheWay.Add(method))
            return true;
        var users = _users[method].Where(use => use.User != method).ToList();
        return users.Count > 0 && users.All(use => (use.AsDelegate && HandsToAPipeline(use.User)) || RunsInside(use.User, onTheWay));
    }

    private bool HandsToAPipeline(MethodDefinition method) =>
        _uses[method].Any(use => Executes(use.Target) || (Own(use.Target) is { } own && TakesDelegates(own) && IsPipelinesRunner(own, [])));

    // A method that runs a pipeline itself, or in a delegate that it makes.
    private bool IsPipelinesRunner(MethodDefinition method, HashSet<MethodDefinition> onTheWay) =>
        onTheWay.Add(method) && _uses.TryGetValue(method, out var uses)
        && uses.Any(use => Executes(use.Target) || (IsDelegate(use.Code) && Own(use.Target) is { } made && IsPipelinesRunner(OwnerOf(made), onTheWay)));

    private static bool TakesDelegates(MethodDefinition method) =>
        method.Parameters.Any(parameter => parameter.ParameterType.FullName.StartsWith("System.Func`", StringComparison.Ordinal));

    private static bool IsDelegate(OpCode code) => code == OpCodes.Ldftn || code == OpCodes.Ldvirtftn;

    private static bool Executes(MethodReference method) => IsPollys(method, "ResiliencePipeline") && method.Name.StartsWith("Execute", StringComparison.Ordinal);

    private static bool IsPollys(MethodReference method, string type) =>
        method.DeclaringType.Namespace == "Polly" && method.DeclaringType.Name.StartsWith(type, StringComparison.Ordinal);

    private static bool IsRemote(MethodReference method)
    {
        if (method.DeclaringType.FullName == "Grpc.Core.CallInvoker")
            return method.Name.EndsWith("Call", StringComparison.Ordinal);
        return method.Name is not (".ctor" or "WithHost") && method.DeclaringType.Scope.Name == "Orchestrator.Protos"
            && method.DeclaringType.Resolve().BaseType is { } parent && parent.FullName.StartsWith("Grpc.Core.ClientBase", StringComparison.Ordinal);
    }

    private static TypeDefinition Outermost(TypeDefinition type) => type.DeclaringType is { } outer ? Outermost(outer) : type;

    private MethodDefinition OwnerOf(MethodDefinition method) => _startedBy.GetValueOrDefault(method.DeclaringType, method);

    private MethodDefinition? Own(MethodReference method) =>
        method.DeclaringType.GetElementType() is { } type && type.Scope == _module && !type.IsArray ? method.Resolve() : null;
}
