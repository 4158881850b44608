using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

/// <summary>Attributes and items as Jinja's immutable sandbox gives them.</summary>
/// <remarks>A dot prefers the attribute, brackets prefer the item; what Python protects or what would change a list or dict is undefined and unsafe.</remarks>
internal static class Sandbox
{
    private static readonly HashSet<string> ListMutators = new(StringComparer.Ordinal) { "append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove" };
    private static readonly HashSet<string> DictMutators = new(StringComparer.Ordinal) { "clear", "pop", "popitem", "setdefault", "update" };

    /// <summary>Names that Python's objects have; all of them are unsafe, whatever they are on.</summary>
    private static readonly HashSet<string> Internals = new(StringComparer.Ordinal)
    {
        "__abs__", "__add__", "__and__", "__annotations__", "__base__", "__bases__", "__bool__", "__builtins__", "__call__", "__class__", "__class_getitem__", "__closure__",
        "__code__", "__contains__", "__defaults__", "__delattr__", "__delitem__", "__dict__", "__dir__", "__divmod__", "__doc__", "__eq__", "__float__", "__floordiv__",
        "__format__", "__func__", "__ge__", "__get__", "__getattr__", "__getattribute__", "__getitem__", "__getnewargs__", "__getstate__", "__globals__", "__gt__", "__hash__",
        "__html__", "__html_format__", "__iadd__", "__imul__", "__index__", "__init__", "__init_subclass__", "__int__", "__invert__", "__ior__", "__iter__", "__kwdefaults__",
        "__le__", "__len__", "__lt__", "__mod__", "__module__", "__mro__", "__mul__", "__name__", "__ne__", "__neg__", "__new__", "__next__", "__or__", "__pos__", "__pow__",
        "__qualname__", "__reduce__", "__reduce_ex__", "__repr__", "__reversed__", "__rmul__", "__self__", "__setattr__", "__setitem__", "__sizeof__", "__slots__", "__str__",
        "__sub__", "__subclasses__", "__subclasshook__", "__text_signature__", "__truediv__", "__weakref__", "__wrapped__",
    };

    /// <summary>Of those, what Jinja's Undefined has itself; asked for anything else, it fails.</summary>
    private static readonly HashSet<string> UndefinedInternals = new(StringComparer.Ordinal)
    {
        "__add__", "__bool__", "__call__", "__class__", "__delattr__", "__dir__", "__doc__", "__eq__", "__float__", "__floordiv__", "__format__", "__ge__", "__getattr__",
        "__getattribute__", "__getitem__", "__getstate__", "__gt__", "__hash__", "__init__", "__init_subclass__", "__int__", "__iter__", "__le__", "__len__", "__lt__", "__mod__",
        "__module__", "__mul__", "__ne__", "__neg__", "__new__", "__pos__", "__pow__", "__reduce__", "__reduce_ex__", "__repr__", "__setattr__", "__sizeof__", "__slots__",
        "__str__", "__sub__", "__subclasshook__", "__truediv__",
    };

    /// <summary><c>target.name</c>.</summary>
    public static Value Attribute(Value target, string name, Budget budget) =>
        PlainAttribute(target, name) ?? target.Item(new StrValue(name), budget) ?? UndefinedValue.Member(target, new StrValue(name), budget);

    /// <summary><c>target[key]</c>.</summary>
    public static Value Item(Value target, Value key, Budget budget)
    {
        if (target.Item(key, budget) is { } item)
        {
            return item;
        }

        return (key is StrValue name ? PlainAttribute(target, name.Text) : null) ?? UndefinedValue.Member(target, key, budget);
    }

    /// <summary>The attribute alone, without a look at the items; null where Python has none.</summary>
    public static Value? PlainAttribute(Value target, string name)
    {
        if (target is UndefinedValue undefined)
        {
            return UndefinedInternals.Contains(name) ? UndefinedValue.Unsafe(target, name)
                : name.StartsWith("__", StringComparison.Ordinal) && name.EndsWith("__", StringComparison.Ordinal) ? null : throw undefined.Error();
        }

        return IsUnsafe(target, name) ? UndefinedValue.Unsafe(target, name) : name.StartsWith('_') ? null : target.Attribute(name);
    }

    private static bool IsUnsafe(Value target, string name) => target switch
    {
        ListValue when ListMutators.Contains(name) => true,
        DictValue when DictMutators.Contains(name) => true,
        NamespaceValue => name == "__class__",
        _ => name.StartsWith('_') && Internals.Contains(name),
    };
}
