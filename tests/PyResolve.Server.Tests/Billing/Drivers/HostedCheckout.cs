using System.Net;

namespace PyResolve.Server.Tests.Billing;

/// <summary>A person at the simulated Stripe's checkout page, and back at the server, by the requests that a browser would send.</summary>
internal static class HostedCheckout
{
    private static readonly HttpClient Http =
        new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false });

    public static async Task SubscribeAsync(TestAccount account, string plan)
    {
        var checkout = await account.Key.PostAsync("/billing/checkout", new { plan });
        checkout.Status.ShouldBe(200, checkout.Text);
        using var form = new FormUrlEncodedContent([KeyValuePair.Create("card", "works")]);
        using var paid = await Http.PostAsync(new Uri(checkout["checkout_url"].GetString()!), form, TestContext.Current.CancellationToken);
        paid.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        using var back = await Http.GetAsync(paid.Headers.Location, TestContext.Current.CancellationToken);
        back.StatusCode.ShouldBe(HttpStatusCode.Found);
    }
}
