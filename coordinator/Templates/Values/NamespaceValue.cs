namespace Orchestrator.Coordinator.Templates.Values;

/// <summary>Jinja's namespace, the one thing a template can write to: its changes outlive loops.</summary>
internal sealed class NamespaceValue(DictValue attributes) : Value
{
    public override string TypeName => "TemplateNamespace";

    public override string ObjectName => "transformers.utils.chat_template_utils.TemplateNamespace object";

    public void Set(string name, Value value)
    {
        CheckName(name);
        attributes.Set(name, value);
    }

    public static void CheckName(string name)
    {
        if (name.StartsWith('_'))
        {
            throw new TemplateException(
                TemplateErrorKind.Security,
                $"Chat templates cannot store underscore-prefixed attributes on a namespace, but got {StrValue.Quote(name)}. Please rename the attribute.");
        }
    }

    public override Value? Attribute(string name) => attributes.Get(new StrValue(name));

    public override void Repr(ReprWriter writer)
    {
        writer.Write("<Namespace ");
        writer.Write(attributes);
        writer.Write(">");
    }
}
