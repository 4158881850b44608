using Orchestrator.Coordinator.Templates.Syntax;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

/// <summary>A macro or the body of a call block, bound to the scope in which it was defined.</summary>
internal sealed class MacroValue(string? name, MacroBody macro, Scope definedIn, Func<MacroBody, Scope, StrValue> run) : Value
{
    public override string TypeName => "Macro";

    public override string ObjectName => "jinja2.runtime.Macro object";

    public override bool IsCallable => true;

    public override Value? Attribute(string attribute) => attribute switch
    {
        "name" => name is null ? NoneValue.Instance : new StrValue(name),
        "arguments" => new TupleValue([.. macro.Signature.Parameters.Select(p => (Value)new StrValue(p.Name))]),
        "catch_kwargs" => BoolValue.Of(macro.UsesKwargs),
        "catch_varargs" => BoolValue.Of(macro.UsesVarargs),
        "caller" => BoolValue.Of(macro.UsesCaller),
        "explicit_caller" => BoolValue.Of(HasExplicitCaller),
        _ => null,
    };

    private bool HasExplicitCaller => macro.Signature.Parameters.Any(p => p.Name == "caller");

    /// <summary>Binds as jinja2.runtime.Macro does: missing parameters are filled by defaults or are undefined.</summary>
    public override Value Call(Arguments arguments, RenderContext context)
    {
        var parameters = macro.Signature.Parameters;
        context.Budget.Step(8);
        var named = arguments.Named.Count == 0 ? [] : arguments.Named.ToList();
        var bound = new Scope(definedIn, macro.Body);
        for (var i = 0; i < parameters.Count; i++)
        {
            if (i < arguments.Positional.Count)
            {
                bound.Set(parameters[i].Name, arguments.Positional[i]);
            }
            else if (Take(named, parameters[i].Name) is { } value)
            {
                bound.Set(parameters[i].Name, value);
            }
        }

        if (macro.UsesCaller && !HasExplicitCaller)
        {
            bound.Set("caller", Take(named, "caller") is { } caller and not NoneValue ? caller : UndefinedValue.Hint("No caller defined"));
        }

        BindRest(arguments, named, bound, context);
        return run(macro, bound);
    }

    public override void Repr(ReprWriter writer) => writer.Write($"<Macro {(name is null ? "anonymous" : StrValue.Quote(name))}>");

    private void BindRest(Arguments arguments, List<KeyValuePair<string, Value>> named, Scope bound, RenderContext context)
    {
        var count = macro.Signature.Parameters.Count;
        if (macro.UsesKwargs)
        {
            var kwargs = new DictValue(context.Budget);
            named.ForEach(n => kwargs.Set(n.Key, n.Value));
            bound.Set("kwargs", kwargs);
        }
        else if (named.Count > 0)
        {
            var shown = name is null ? "None" : StrValue.Quote(name);
            throw new TemplateException(TemplateErrorKind.Type, named.Exists(n => n.Key == "caller")
                ? $"macro {shown} was invoked with two values for the special caller argument. This is most likely a bug."
                : $"macro {shown} takes no keyword argument {StrValue.Quote(named[0].Key)}");
        }

        if (macro.UsesVarargs)
        {
            bound.Set("varargs", new TupleValue([.. arguments.Positional.Skip(count)]));
        }
        else if (arguments.Positional.Count > count)
        {
            throw new TemplateException(TemplateErrorKind.Type, $"macro {(name is null ? "None" : StrValue.Quote(name))} takes not more than {count} argument(s)");
        }
    }

    private static Value? Take(List<KeyValuePair<string, Value>> named, string parameter)
    {
        var at = named.FindIndex(n => n.Key == parameter);
        if (at < 0)
        {
            return null;
        }

        var value = named[at].Value;
        named.RemoveAt(at);
        return value;
    }
}
