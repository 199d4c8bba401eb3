using System.Globalization;
using System.Text;

namespace PyResolve.Server.Billing.Gateway;

/// <summary>
/// Parameters as Stripe reads them: <c>line_items[0][price]=…</c>, brackets as they are, instants as Unix seconds. What is null is left out;
/// <see cref="Clear"/> sends the empty value that unsets.
/// </summary>
internal sealed class StripeForm
{
    private readonly StringBuilder _text = new();

    public StripeForm Add(string name, string? value)
    {
        if (value is not null)
            Append(name, value);
        return this;
    }

    public StripeForm Add(string name, long? value) => Add(name, value?.ToString(CultureInfo.InvariantCulture));

    public StripeForm Add(string name, bool? value) => Add(name, value switch { null => null, true => "true", false => "false" });

    public StripeForm Add(string name, DateTimeOffset? value) => Add(name, value?.ToUnixTimeSeconds());

    /// <summary>A list is numbered from 0; an empty one is sent as the empty value.</summary>
    public StripeForm Add(string name, IReadOnlyList<string>? values)
    {
        if (values is { Count: 0 })
            return Clear(name);
        for (var i = 0; i < values?.Count; i++)
            Append(string.Create(CultureInfo.InvariantCulture, $"{name}[{i}]"), values[i]);
        return this;
    }

    public StripeForm Clear(string name)
    {
        Append(name, "");
        return this;
    }

    public override string ToString() => _text.ToString();

    private void Append(string name, string value)
    {
        if (_text.Length > 0)
            _text.Append('&');
        _text.Append(Encode(name).Replace("%5B", "[", StringComparison.Ordinal).Replace("%5D", "]", StringComparison.Ordinal))
            .Append('=')
            .Append(Encode(value));
    }

    private static string Encode(string text) => Uri.EscapeDataString(text).Replace("%20", "+", StringComparison.Ordinal);
}
