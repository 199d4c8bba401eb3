using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace PyResolve.StripeSimulator.Pages;

/// <summary>
/// HTML from an interpolated string: <c>$"&lt;p&gt;{name}&lt;/p&gt;"</c>. Every value is encoded, in text and in double-quoted attributes
/// alike, unless it is <see cref="Html"/> itself. Compiled into the server and into the Stripe simulator.
/// </summary>
[InterpolatedStringHandler]
internal sealed class Html
{
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);

    private readonly StringBuilder _text;

    public Html(int literalLength, int formattedCount) => _text = new StringBuilder(literalLength + (16 * formattedCount));

    /// <summary>For places where C# would infer the type <see langword="string"/>.</summary>
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

    /// <summary>The frame of every page.</summary>
    /// <param name="assets">The folder of the icon and the style sheet, with a slash.</param>
    public static Html Document(string title, string assets, string stylesheet, Html body) => $"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta name="robots" content="noindex">
        <title>{title}</title>
        <link rel="icon" type="image/svg+xml" href="{assets}icon.svg">
        <link rel="stylesheet" href="{assets}{stylesheet}">
        </head>
        <body>
        {body}
        </body>
        </html>

        """;

    public override string ToString() => _text.ToString();
}
