def house(request):  # placeholder until the look lands
    return {}
