using System.Numerics;
using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Methods;

/// <summary>The methods of list and tuple that change nothing.</summary>
internal static class SequenceMethods
{
    private static readonly Parameters IndexParameters = Parameters.Of("index", "/", "value", "start?", "stop?");
    private static readonly Parameters CountParameters = Parameters.Of("count", "/", "value");
    private static readonly Parameters CopyParameters = Parameters.Of("list.copy", "/");

    public static Value? Find(Value self, IReadOnlyList<Value> items, string name) => name switch
    {
        "index" => Make(IndexParameters, bound => Index(self, items, bound)),
        "count" => Make(CountParameters, bound => IntValue.Of(items.Count(item => ReferenceEquals(item, bound[0]) || Comparison.AreEqual(item, bound[0], bound.Budget)))),
        "copy" when self is ListValue => Make(CopyParameters, _ => new ListValue(items)),
        _ => null,
    };

    private static FunctionValue Make(Parameters parameters, Func<BoundArguments, Value> body) => new("builtin_function_or_method", parameters, body);

    private static IntValue Index(Value self, IReadOnlyList<Value> items, BoundArguments bound)
    {
        var (start, stop) = (Place(1, 0), Place(2, items.Count));
        for (var i = start; i < Math.Min(stop, items.Count); i++)
        {
            if (ReferenceEquals(items[i], bound[0]) || Comparison.AreEqual(items[i], bound[0], bound.Budget))
            {
                return IntValue.Of(i);
            }
        }

        var shown = new ReprWriter(bound.Budget);
        shown.Write(bound[0]);
        throw new TemplateException(TemplateErrorKind.Value, self is ListValue ? $"{shown} is not in list" : "tuple.index(x): x not in tuple");

        int Place(int argument, int otherwise) => bound.Has(argument)
            ? (int)BigInteger.Min(int.MaxValue, BigInteger.Max(0, bound.BigInt(argument) is { Sign: < 0 } negative ? negative + items.Count : bound.BigInt(argument)))
            : otherwise;
    }
}
