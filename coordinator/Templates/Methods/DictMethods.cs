using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Methods;

/// <summary>dict's methods that change nothing.</summary>
internal static class DictMethods
{
    private static readonly Dictionary<string, Method<DictValue>> Methods = new(StringComparer.Ordinal)
    {
        ["keys"] = Make("keys", (self, _) => new DictViewValue(self, DictViewKind.Keys), "/"),
        ["values"] = Make("values", (self, _) => new DictViewValue(self, DictViewKind.Values), "/"),
        ["items"] = Make("items", (self, _) => new DictViewValue(self, DictViewKind.Items), "/"),
        ["get"] = Make("get", (self, bound) => self.Get(bound[0]) ?? (bound.Has(1) ? bound[1] : NoneValue.Instance), "/", "key", "default?"),
        ["copy"] = Make("copy", (self, bound) => Copy(self, bound.Budget), "/"),
        ["fromkeys"] = Make("fromkeys", FromKeys, "/", "iterable", "value?"),
    };

    public static Value? Find(DictValue self, string name) => Methods.TryGetValue(name, out var method) ? method.Bind(self) : null;

    private static Method<DictValue> Make(string name, Func<DictValue, BoundArguments, Value> body, params string[] parameters) =>
        new(Parameters.Of($"dict.{name}", parameters), body);

    private static DictValue Copy(DictValue self, Budget budget)
    {
        var copy = new DictValue(budget);
        budget.AllocateElements(self.Entries.Count * 2L);
        foreach (var (key, value) in self.Entries)
        {
            copy.Set(key, value);
        }

        return copy;
    }

    private static DictValue FromKeys(DictValue self, BoundArguments bound)
    {
        var dict = new DictValue(bound.Budget);
        foreach (var key in bound[0].Elements(bound.Budget))
        {
            bound.Budget.AllocateElements(2);
            dict.Set(key, bound.Has(1) ? bound[1] : NoneValue.Instance);
        }

        return dict;
    }
}
