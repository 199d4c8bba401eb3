using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Api.Calls;

internal static class CatalogCalls
{
    private const long GreatestAmount = 99_999_999;

    public static JsonObject CreateProduct(ApiCall call)
    {
        var form = call.Form;
        var product = AddProduct(call, form.Text("id"), form.Text("name")!, form.Merge("metadata"));
        product.Description = form.Text("description");
        product.UnitLabel = form.Text("unit_label");
        product.TaxCode = form.Text("tax_code");
        product.Url = form.Text("url");
        product.IsActive = form.Text("active") != "false";
        call.State.Events.Emit(product, "created");
        if (form.Find("default_price_data") is { } price)
            call.State.Events.Change(product, () => product.DefaultPriceId = AddPrice(call, price, product.Id).Id);
        return product.Render();
    }

    public static JsonObject GetProduct(ApiCall call) => call.GetByPath(call.State.Products, "product").Render();

    public static JsonObject UpdateProduct(ApiCall call)
    {
        var (state, form) = (call.State, call.Form);
        var product = call.GetByPath(state.Products, "product");
        var price = call.FindByParameter(state.Prices, "price", "default_price");
        state.Events.Change(product, () =>
        {
            product.Name = form.Text("name") ?? product.Name;
            product.DefaultPriceId = price?.Id ?? product.DefaultPriceId;
            product.Description = Updated("description", product.Description);
            product.UnitLabel = Updated("unit_label", product.UnitLabel);
            product.TaxCode = Updated("tax_code", product.TaxCode);
            product.Url = Updated("url", product.Url);
            product.Metadata = form.Merge("metadata", product.Metadata);
            product.IsActive = form.Text("active") is { } active ? active == "true" : product.IsActive;
            product.Updated = state.Now;
        });
        return product.Render();

        string? Updated(string name, string? old) => form.Text(name) switch { null => old, "" => null, var text => text };
    }

    public static JsonObject ListProducts(ApiCall call)
    {
        var ids = call.Form.Texts("ids");
        return Lists.Page(call, "/v1/products", "product", call.State.Products.NewestFirst.Where(product =>
            !product.IsDeleted && (ids.Count == 0 || ids.Contains(product.Id, StringComparer.Ordinal))
            && Lists.Matches(call.Form, "active", product.IsActive ? "true" : "false")
            && Lists.Matches(call.Form, "url", product.Url)
            && Lists.MatchesRange(call.Form, "created", product.Created)));
    }

    public static JsonObject CreatePrice(ApiCall call)
    {
        var form = call.Form;
        if (form.Has("product") == form.Has("product_data"))
            throw ApiErrorException.Invalid("You must specify either `product` or `product_data` when creating a price.", "product");
        if (form.Find("product_data") is not { } data)
        {
            var product = call.FindByParameter(call.State.Products, "product", "product")!;
            return AddPrice(call, form, product.Id).Render();
        }

        var added = AddProduct(call, data.Text("id"), data.Text("name")!, data.Merge("metadata"));
        call.State.Events.Emit(added, "created");
        return AddPrice(call, form, added.Id).Render();
    }

    public static JsonObject GetPrice(ApiCall call) => call.GetByPath(call.State.Prices, "price").Render();

    public static JsonObject UpdatePrice(ApiCall call)
    {
        var form = call.Form;
        var price = call.GetByPath(call.State.Prices, "price");
        if (form.Text("lookup_key") is { } key)
            FreeLookupKey(call, form, key, price);
        call.State.Events.Change(price, () =>
        {
            price.LookupKey = form.Text("lookup_key") ?? price.LookupKey;
            price.Nickname = form.Text("nickname") ?? price.Nickname;
            price.Metadata = form.Merge("metadata", price.Metadata);
            price.IsActive = form.Text("active") is { } active ? active == "true" : price.IsActive;
        });
        return price.Render();
    }

    public static JsonObject ListPrices(ApiCall call)
    {
        var (form, keys) = (call.Form, call.Form.Texts("lookup_keys"));
        return Lists.Page(call, "/v1/prices", "price", call.State.Prices.NewestFirst.Where(price =>
            (keys.Count == 0 || (price.LookupKey is { } key && keys.Contains(key, StringComparer.Ordinal)))
            && Lists.Matches(form, "product", price.ProductId)
            && Lists.Matches(form, "active", price.IsActive ? "true" : "false")
            && Lists.Matches(form, "currency", price.Currency)
            && Lists.Matches(form, "type", price.Recurring is null ? "one_time" : "recurring")
            && Lists.MatchesRange(form, "created", price.Created)));
    }

    /// <summary>Only a product without prices can be deleted.</summary>
    public static JsonObject DeleteProduct(ApiCall call)
    {
        var product = call.GetByPath(call.State.Products, "product");
        if (product.IsDeleted)
            throw ApiErrorException.Missing("product", product.Id);
        if (call.State.Prices.All.Any(price => price.ProductId == product.Id))
            throw ApiErrorException.Invalid(
                "This product cannot be deleted because it has one or more user-created prices.", "id");
        var last = product.Render();
        product.IsDeleted = true;
        call.State.Events.Emit("product.deleted", last);
        return product.Render();
    }

    /// <summary><c>price_data</c>: a price for one use.</summary>
    public static Price AddPriceOf(ApiCall call, Form data)
    {
        if (data.Has("product") == data.Has("product_data"))
            throw ApiErrorException.Invalid("You must specify either `product` or `product_data`.", $"{data.Name}[product]");
        var product = data.Find("product_data") is { } made
            ? AddProduct(call, id: null, made.Text("name")!, made.Merge("metadata"))
            : ApiCall.GetByParameter(call.State.Products, "product", data.Text("product")!, $"{data.Name}[product]");
        if (data.Has("product_data"))
            call.State.Events.Emit(product, "created");
        var price = AddPrice(call, data, product.Id);
        price.IsActive = false;
        return price;
    }

    private static Product AddProduct(ApiCall call, string? id, string name, Dictionary<string, string> metadata)
    {
        var state = call.State;
        if (id is not null && state.Products.Contains(id))
            throw ApiErrorException.Invalid($"Product already exists: {id}", "id", "resource_already_exists");
        return state.Products.Add(new Product
        {
            Id = id ?? state.Ids.Next("prod"),
            Created = state.Now,
            Updated = state.Now,
            Name = name,
            Metadata = metadata,
        });
    }

    private static Price AddPrice(ApiCall call, Form form, string productId)
    {
        var state = call.State;
        if (form.Number("unit_amount") is not { } amount)
            throw ApiErrorException.Invalid(
                "You must specify one of `unit_amount`, `unit_amount_decimal`, or `custom_unit_amount`.", "unit_amount");
        if (amount is < 0 or > GreatestAmount)
            throw ApiErrorException.Invalid($"Invalid integer: must be from 0 to {GreatestAmount}", "unit_amount");
        if (form.Text("lookup_key") is { } key)
            FreeLookupKey(call, form, key, own: null);
        if (form.Text("recurring.meter") is { } meter && !state.Meters.Contains(meter))
            throw ApiErrorException.Invalid($"No such billing meter: '{meter}'", "recurring[meter]", "resource_missing");
        var price = state.Prices.Add(new Price
        {
            Id = state.Ids.Next("price"),
            Created = state.Now,
            ProductId = productId,
            Currency = form.Text("currency")!,
            UnitAmount = amount,
            LookupKey = form.Text("lookup_key"),
            Nickname = form.Text("nickname"),
            IsActive = form.Text("active") != "false",
            Metadata = form.Merge("metadata"),
            Recurring = form.Find("recurring") is not { } recurring
                ? null
                : new Recurrence(
                    recurring.Text("interval")!,
                    (int)Math.Clamp(recurring.Number("interval_count") ?? 1, 1, 12),
                    recurring.Text("usage_type") ?? "licensed",
                    recurring.Text("meter")),
        });
        state.Events.Emit(price, "created");
        return price;
    }

    /// <summary>A lookup key belongs to one price, and moves to another one only on request.</summary>
    private static void FreeLookupKey(ApiCall call, Form form, string key, Price? own)
    {
        if (call.State.Prices.All.FirstOrDefault(price => price.LookupKey == key && price != own) is not { } holder)
            return;
        if (!form.Is("transfer_lookup_key"))
            throw ApiErrorException.Invalid($"A price (`{holder.Id}`) already uses that lookup key.", "lookup_key");
        call.State.Events.Change(holder, () => holder.LookupKey = null);
    }
}
