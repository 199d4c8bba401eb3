using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace PyResolve.Server.Pages;

/// <summary>
/// HTML as it is written: <c>$"&lt;p&gt;{name}&lt;/p&gt;"</c>. Every hole is encoded, for text and for attributes in double quotes alike,
/// unless it holds HTML itself; so no value is ever pasted into a page as markup.
/// </summary>
[InterpolatedStringHandler]
internal sealed class Html
{
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);

    private readonly StringBuilder _text;

    public Html(int literalLength, int formattedCount) => _text = new StringBuilder(literalLength + (16 * formattedCount));

    /// <summary>For places where C# would take the text for a string.</summary>
    public static Html Of(Html html) => html;

    public void AppendLiteral(string value) => _text.Append(value);

    public void AppendFormatted(string? value) => _text.Append(Encoder.Encode(value ?? ""));

    public void AppendFormatted(int value) => _text.Append(CultureInfo.InvariantCulture, $"{value}");

    public void AppendFormatted(Html? value) => _text.Append(value?._text);

    public static Html? If(bool condition, string text) => condition ? Of($"{text}") : null;

    public static Html Join(IEnumerable<Html> parts)
    {
        var all = new Html(0, 0);
        foreach (var part in parts)
            all.AppendFormatted(part);
        return all;
    }

    public override string ToString() => _text.ToString();
}
