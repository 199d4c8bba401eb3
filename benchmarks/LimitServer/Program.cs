using PyResolve.Client.Wire;
using PyResolve.LimitServer;

// The product's host in every mode: the differences between modes are what is measured.
var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
builder.Services.ConfigureHttpJsonOptions(json => WireJson.ApplyTo(json.SerializerOptions));

var app = builder.Configuration["PYRESOLVE_LIMIT"] switch
{
    "bare" => Limits.BuildBare(builder),
    "hosted" => Limits.BuildHosted(builder),
    "checked" => Limits.BuildChecked(builder),
    "select" => Limits.BuildSelect(builder),
    "reserve" => QuotaLimits.BuildReservation(builder),
    "usage" when builder.Configuration["DATABASE_URL"] is null => UsageLimits.BuildEmbedded(builder),
    "usage" => UsageLimits.BuildCommit(builder),
    "copy" => UsageLimits.BuildCopy(builder),
    var other => throw new InvalidOperationException($"PYRESOLVE_LIMIT is '{other}'; it is bare, hosted, checked, select, reserve, usage or copy."),
};
app.MapGet("/health/ready", () => TypedResults.Ok(new HealthStatus("ready")));
await app.RunAsync();
