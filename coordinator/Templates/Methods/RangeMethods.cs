using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Methods;

/// <summary>range's attributes and methods.</summary>
internal static class RangeMethods
{
    private static readonly Parameters ValueParameters = Parameters.Of("range method", "/", "value");

    public static Value? Find(RangeValue self, string name) => name switch
    {
        "start" => IntValue.Of(self.Start),
        "stop" => IntValue.Of(self.Stop),
        "step" => IntValue.Of(self.Step),
        "index" => Make(bound => Position(self, bound) is var at and >= 0 ? IntValue.Of(at)
            : throw new TemplateException(TemplateErrorKind.Value, $"{bound[0].ToText(bound.Budget)} is not in range")),
        "count" => Make(bound => IntValue.Of(Position(self, bound) >= 0 ? 1 : 0)),
        _ => null,
    };

    private static FunctionValue Make(Func<BoundArguments, Value> body) => new("builtin_function_or_method", ValueParameters, body);

    private static int Position(RangeValue self, BoundArguments bound)
    {
        var at = 0;
        foreach (var number in self.Iterate(bound.Budget))
        {
            if (Comparison.AreEqual(number, bound[0], bound.Budget))
            {
                return at;
            }

            at++;
        }

        return -1;
    }
}
