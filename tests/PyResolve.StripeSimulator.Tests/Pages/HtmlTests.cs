using PyResolve.StripeSimulator.Pages;

namespace PyResolve.StripeSimulator.Tests.Pages;

public sealed class HtmlTests
{
    [Fact]
    public void Every_value_is_encoded()
    {
        const string Hostile = "</p><script>\"'&";

        Html html = $"<p title=\"{Hostile}\">{Hostile}</p>";

        html.ToString().ShouldBe("<p title=\"&lt;/p&gt;&lt;script&gt;&quot;&#x27;&amp;\">&lt;/p&gt;&lt;script&gt;&quot;&#x27;&amp;</p>");
    }

    [Fact]
    public void HTML_as_a_value_is_not_encoded_twice_and_null_writes_nothing()
    {
        Html inner = $"<b>{"a & b"}</b>";

        Html html = $"<p>{inner}{(Html?)null}{(string?)null} {7}</p>";

        html.ToString().ShouldBe("<p><b>a &amp; b</b> 7</p>");
    }

    [Fact]
    public void Letters_of_every_script_stay_readable()
    {
        Html html = $"<p>{"Zoë Ωμέγα 日本"}</p>";

        html.ToString().ShouldBe("<p>Zoë Ωμέγα 日本</p>");
    }
}
